import { createHash } from 'node:crypto'
import { BillhookError } from '../model/error.ts'
import type { ApiKey, ApiStore, Scope } from '../ports/api_store.ts'
import { SCOPES } from '../ports/api_store.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'

/** What a caller of the API is known by. */
export interface Caller {
  readonly account: string
  readonly keyId: string
  readonly scope: Scope
}

/** Makes, checks and revokes API keys. Their texts are shown once and never kept. */
export interface ApiKeys {
  create(key: {
    readonly account: string
    readonly name: string
    readonly scope: Scope
  }): Promise<{ readonly key: ApiKey; readonly text: string }>
  /** The first key of a store that has none yet, an `admin` of `account`; null if there are keys already. */
  bootstrap(account: string): Promise<string | null>
  /** @throws BillhookError `unauthorized` */
  authenticate(text: string): Promise<Caller>
  list(account: string | null): Promise<readonly ApiKey[]>
  /** @throws BillhookError `not_found` */
  revoke(account: string, id: string): Promise<void>
}

/** Found by secret scanners, and told from a provider's key at a glance. */
const PREFIX = 'bhk_'

const NAME_LENGTH_MAX = 200

/** The id that the first key of an account has: two processes that start at once make one key. */
const BOOTSTRAP_ID = 'key_bootstrap'

/** The API keys of a store. */
export function createApiKeys({
  store,
  clock,
  random,
}: {
  readonly store: ApiStore
  readonly clock: Clock
  readonly random: Random
}): ApiKeys {
  const add = async (key: Pick<ApiKey, 'account' | 'id' | 'name' | 'scope'>): Promise<[ApiKey, string] | null> => {
    const text = PREFIX + Buffer.from(random.bytes(32)).toString('base64url')
    const made: ApiKey = { ...key, hash: hashOf(text), createdAt: clock.now(), revokedAt: null }
    return (await store.addKey(made)) ? [made, text] : null
  }
  return {
    async create({ account, name, scope }) {
      if (name.trim() === '' || name.length > NAME_LENGTH_MAX)
        throw new BillhookError('invalid_request', `name: must have 1 to ${NAME_LENGTH_MAX} characters`, {
          details: { field: 'name' },
        })
      const id = `key_${Buffer.from(random.bytes(9)).toString('base64url')}`
      const made = await add({ account, id, name, scope })
      if (made === null) throw new BillhookError('conflict', `the key ${id} already exists; repeat the request`)
      return { key: made[0], text: made[1] }
    },
    async bootstrap(account) {
      if ((await store.keys(account)).length > 0) return null
      return (await add({ account, id: BOOTSTRAP_ID, name: 'first start', scope: 'admin' }))?.[1] ?? null
    },
    async authenticate(text) {
      const key = text.startsWith(PREFIX) ? await store.keyByHash(hashOf(text)) : null
      if (key === null || key.revokedAt !== null)
        throw new BillhookError('unauthorized', 'the API key is missing, unknown or revoked')
      return { account: key.account, keyId: key.id, scope: key.scope }
    },
    list: (account) => store.keys(account),
    async revoke(account, id) {
      if (!(await store.revokeKey(account, id, clock.now())))
        throw new BillhookError('not_found', `no API key ${id} is in use`)
    },
  }
}

/** @throws BillhookError `forbidden` if the caller’s scope does not include `needed` */
export function requireScope(caller: Caller, needed: Scope): void {
  if (SCOPES.indexOf(caller.scope) < SCOPES.indexOf(needed))
    throw new BillhookError(
      'forbidden',
      `this needs a key with the scope ${needed}; the key ${caller.keyId} has ${caller.scope}`,
    )
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
