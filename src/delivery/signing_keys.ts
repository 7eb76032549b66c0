import { createHash, createPublicKey, generateKeyPair } from 'node:crypto'
import { BillhookError } from '../model/error.ts'
import { addMs, DAY_MS } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { SealingKeys } from '../dialects/dialect.ts'
import type { StoredSigningKey } from '../ports/endpoint_store.ts'
import type { DeliveryPorts } from './ports.ts'

/** A retired key is published for so long, unless the dialect's rotation says otherwise. */
const OVERLAP_MS = 2 * DAY_MS

type SigningKey = NonNullable<SealingKeys['signingKey']>

/** A key with the time from which it signs. */
interface TimedKey extends SigningKey {
  readonly createdAt: Instant
  readonly retiresAt: Instant | null
}

/** The RSA keys that an account signs tokens with: made when first needed, published as a key set. */
export class SigningKeys {
  readonly #ports: Pick<DeliveryPorts, 'endpoints' | 'secretBox' | 'transactions'>
  /** Newest first. */
  readonly #known = new Map<string, Promise<readonly TimedKey[]>>()

  constructor(ports: Pick<DeliveryPorts, 'endpoints' | 'secretBox' | 'transactions'>) {
    this.#ports = ports
  }

  /**
   * The key that signs what was first sent at `at`: the same one for every attempt, so that the bytes stay the same, as
   * long as it is published. An account without a key gets its first one.
   */
  async at(account: string, at: Instant, now: Instant): Promise<SigningKey> {
    let keys = this.#known.get(account)
    if (keys === undefined) {
      keys = this.#find(account, now)
      this.#known.set(account, keys)
      keys.catch(() => this.#known.delete(account))
    }
    const published = (await keys).filter(({ retiresAt }) => retiresAt === null || retiresAt > now)
    const key = published.find(({ createdAt }) => createdAt <= at) ?? published.at(-1)
    if (key === undefined) throw new BillhookError('internal_invariant', `the account ${account} has no signing key`)
    return { keyId: key.keyId, privateKeyPem: key.privateKeyPem }
  }

  /** Other nodes may have rotated: look again at the next use. */
  forget(): void {
    this.#known.clear()
  }

  /** Makes the next key; the one before stays published for the overlap. */
  async rotate(account: string, now: Instant, overlapMs: number = OVERLAP_MS): Promise<string> {
    const key = await this.#make(account, now, addMs(now, overlapMs))
    this.#known.delete(account)
    return key.keyId
  }

  /** The public keys as a JSON Web Key Set, newest first. */
  async keySet(account: string, now: Instant): Promise<{ readonly keys: readonly unknown[] }> {
    await this.at(account, now, now)
    const keys = await this.#ports.endpoints.signingKeys(null, account)
    const published = keys.filter(({ retiresAt }) => retiresAt === null || retiresAt > now)
    return { keys: published.map(({ jwk }): unknown => JSON.parse(jwk)) }
  }

  async #find(account: string, now: Instant): Promise<readonly TimedKey[]> {
    const stored = await this.#ports.endpoints.signingKeys(null, account)
    const current = stored.find(({ retiresAt }) => retiresAt === null)
    const keys = current === undefined ? [await this.#make(account, now, null), ...stored] : stored
    return keys.map(({ keyId, lockedPem, createdAt, retiresAt }) => ({
      keyId,
      privateKeyPem: this.#ports.secretBox.unlock(lockedPem),
      createdAt,
      retiresAt,
    }))
  }

  /** @param retire when the present key ends; null: there is none, and if another node made one meanwhile, that one holds */
  async #make(account: string, now: Instant, retire: Instant | null): Promise<StoredSigningKey> {
    const { pem, jwk, keyId } = await generate()
    const key = { account, keyId, lockedPem: this.#ports.secretBox.lock(pem), jwk, createdAt: now, retiresAt: null }
    return this.#ports.transactions.transaction(async (transaction) => {
      const known = await this.#ports.endpoints.signingKeys(transaction, account)
      const current = known.find(({ retiresAt }) => retiresAt === null)
      if (retire === null && current !== undefined) return current
      if (retire !== null) await this.#ports.endpoints.retireSigningKeys(transaction, account, retire)
      await this.#ports.endpoints.insertSigningKey(transaction, key)
      return key
    })
  }
}

/** RSA of 2048 bits for RS256; its id is the thumbprint of the public key. @source RFC 7638 */
async function generate(): Promise<{ readonly pem: string; readonly jwk: string; readonly keyId: string }> {
  const pem = await new Promise<string>((resolve, reject) => {
    generateKeyPair(
      'rsa',
      {
        modulusLength: 2048,
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
        publicKeyEncoding: { type: 'spki', format: 'pem' },
      },
      (error, _publicKey, privateKey) => (error === null ? resolve(privateKey) : reject(error)),
    )
  })
  const { e, kty, n } = createPublicKey(pem).export({ format: 'jwk' })
  const keyId = createHash('sha256').update(JSON.stringify({ e, kty, n })).digest('base64url')
  return { pem, jwk: JSON.stringify({ e, kid: keyId, kty, n, alg: 'RS256', use: 'sig' }), keyId }
}
