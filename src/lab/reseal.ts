import type { Dialect } from '../dialects/dialect.ts'
import type { Instant } from '../model/instant.ts'
import type { HttpRequest } from '../ports/http.ts'
import type { Random } from '../ports/random.ts'
import { newSigningKey } from '../runtime/jwks.ts'
import type { Forge } from './faults.ts'

/** Seals each request again with a secret, or key, that the receiver does not know. */
export async function resealing(dialect: Dialect, random: Random, now: () => Instant): Promise<Forge> {
  const secret = dialect.newSecret(random.bytes(32))
  const keys =
    secret === null ? { secrets: [], signingKey: await newSigningKey() } : { secrets: [secret], signingKey: null }
  return (request: HttpRequest): HttpRequest | null => {
    if (request.body === null) return null
    const read = dialect.read({ headers: request.headers, body: request.body }, { at: null, toleranceMs: null })
    if (!read.ok) return null
    const sealed = dialect.seal(read.notification, keys, now())
    const headers = Object.fromEntries(
      Object.entries(sealed.headers).map(([name, value]) => [
        name,
        typeof value === 'string' ? value : value.join(', '),
      ]),
    )
    return { ...request, headers, body: sealed.body }
  }
}
