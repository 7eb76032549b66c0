import { generateKeyPair } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { BillhookError } from '../model/error.ts'
import { MINUTE_MS, SECOND_MS } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import { isObject } from '../model/json.ts'
import type { HttpOutcome, HttpRequest } from '../ports/http.ts'
import { readJsonBody } from '../wire/json_body.ts'
import { keyIdOf } from '../wire/jwt.ts'

/** How long a fetched set is taken for the current one. @source the cache of the first-party SDKs (jose's default) */
export const KEY_SET_MAX_AGE_MS = 10 * MINUTE_MS

/** The set is not fetched more often than this, whatever key ids tokens name. */
export const KEY_SET_COOLDOWN_MS = 30 * SECOND_MS

/** The whole fetch must be over in this time. */
export const KEY_SET_TIMEOUT_MS = 5 * SECOND_MS

/** A key set of a few keys has about 2 KB; a larger answer than this is none. */
export const KEY_SET_MAX_BYTES = 64 * 1024

/** More keys than any provider publishes at once; further ones are left out. */
const MAX_KEYS = 100

/** A public key, or why there is none. It is what a dialect that verifies tokens asks for. */
type KeyAnswer =
  | { readonly ok: true; readonly jwk: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly reason: 'key_unknown' | 'keys_unavailable' }

/** Looks a public key up by its id. */
export type KeyLookup = (keyId: string) => Promise<KeyAnswer>

/** Where a key set is fetched, and with what. */
export interface KeySetOptions {
  readonly url: string
  /** Sends the request; an HTTP client's `send`. */
  readonly send: (request: HttpRequest) => Promise<HttpOutcome>
  /** A clock that runs: never an account's test clock, on which a cache would never age. */
  readonly now: () => Instant
}

/** What is known of a remote key set. */
interface KeySetState {
  /** The last good set; null before the first. */
  readonly keys: KeyMap | null
  readonly fetchedAt: Instant | null
  /** When a fetch was last begun, and whether it brought a set. */
  readonly triedAt: Instant | null
  readonly triedWell: boolean
}

type Jwk = Readonly<Record<string, unknown>>
type KeyMap = ReadonlyMap<string, Jwk>

/**
 * Looks keys up in a set published over HTTP. A set is fetched when the first key is asked for, when the set is older
 * than {@link KEY_SET_MAX_AGE_MS}, and when a token names a key that it lacks; never twice at once and at most every
 * {@link KEY_SET_COOLDOWN_MS}, so that forged tokens cause no storm. A known key is answered from the last good set at
 * once, also while the provider is down; an old set is then renewed behind the answer.
 *
 * `key_unknown` means that the newest set lacks the key; `keys_unavailable` that no set could be had that would say so.
 *
 * @source RFC 7517, section 5; the policy that the provider's own SDKs bundle
 */
export function createKeySet(options: KeySetOptions): KeyLookup {
  let state: KeySetState = { keys: null, fetchedAt: null, triedAt: null, triedWell: false }
  let running: Promise<void> | null = null

  async function fetchOnce(): Promise<void> {
    const triedAt = options.now()
    const keys = await fetchKeys(options)
    state =
      keys === null ? { ...state, triedAt, triedWell: false } : { keys, fetchedAt: triedAt, triedAt, triedWell: true }
  }

  function renew(): Promise<void> {
    if (running !== null) return running
    if (state.triedAt !== null && !isPast(state.triedAt, KEY_SET_COOLDOWN_MS, options.now())) return Promise.resolve()
    running = fetchOnce().finally(() => {
      running = null
    })
    return running
  }

  return async (keyId) => {
    const known = state.keys?.get(keyId)
    if (known !== undefined) {
      if (state.fetchedAt === null || isPast(state.fetchedAt, KEY_SET_MAX_AGE_MS, options.now())) void renew()
      return { ok: true, jwk: known }
    }
    await renew()
    return answer(state.keys, keyId, state.triedWell)
  }
}

/**
 * Looks keys up in a set that is given whole.
 *
 * @throws BillhookError `config_invalid` if it is no key set
 */
export function staticKeySet(jwks: unknown): KeyLookup {
  const keys = keysOf(jwks)
  if (keys === null) throw new BillhookError('config_invalid', 'the key set is no JSON object with a list "keys"')
  return (keyId) => Promise.resolve(answer(keys, keyId, true))
}

/**
 * Looks keys up in a set that is kept in a file, read once.
 *
 * @throws BillhookError `config_invalid` if the file cannot be read or is no key set
 */
export function keySetFromFile(path: string): KeyLookup {
  return staticKeySet(readJsonFile(path))
}

const generate = promisify(generateKeyPair)

/** A new RSA key pair of 2048 bits to seal tokens with; its id follows from the public key. */
export async function newSigningKey(): Promise<{ readonly keyId: string; readonly privateKeyPem: string }> {
  const { privateKey } = await generate('rsa', { modulusLength: 2048 })
  const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  return { keyId: keyIdOf(privateKeyPem), privateKeyPem }
}

function answer(keys: KeyMap | null, keyId: string, newest: boolean): KeyAnswer {
  const jwk = keys?.get(keyId)
  if (jwk !== undefined) return { ok: true, jwk }
  return { ok: false, reason: newest ? 'key_unknown' : 'keys_unavailable' }
}

/** True if at least `ms` have passed since `from`. A clock that was set back counts as passed: nothing else can end it. */
function isPast(from: Instant, ms: number, now: Instant): boolean {
  return now - from >= ms || now < from
}

async function fetchKeys(options: KeySetOptions): Promise<KeyMap | null> {
  const outcome = await options
    .send({
      method: 'GET',
      url: options.url,
      headers: { accept: 'application/json' },
      body: null,
      timeoutMs: KEY_SET_TIMEOUT_MS,
      maxResponseBytes: KEY_SET_MAX_BYTES,
    })
    // A client that throws against its promise is a set that cannot be had; the next token tries again.
    .catch(() => null)
  if (outcome === null || !outcome.ok || outcome.status !== 200 || outcome.truncated) return null
  const read = readJsonBody(outcome.body)
  const keys = read.ok ? keysOf(read.body) : null
  // A provider that publishes no key at all has a fault: the last good set is kept.
  return keys === null || keys.size === 0 ? null : keys
}

/** The usable keys of a set by their id; null if it is no set. Of keys with one id the first counts. */
function keysOf(jwks: unknown): KeyMap | null {
  if (!isObject(jwks)) return null
  const list = jwks['keys']
  if (!Array.isArray(list)) return null
  const keys = new Map<string, Jwk>()
  for (const jwk of list.slice(0, MAX_KEYS)) {
    if (!isObject(jwk)) continue
    const { kid } = jwk
    if (typeof kid === 'string' && kid !== '' && isForRs256(jwk) && !keys.has(kid)) keys.set(kid, jwk)
  }
  return keys
}

/** A key for something else (encryption, another algorithm) is no key, and hides none of the same id. */
function isForRs256({ kty, use, alg }: Jwk): boolean {
  return kty === 'RSA' && (use ?? 'sig') === 'sig' && (alg ?? 'RS256') === 'RS256'
}

function readJsonFile(path: string): unknown {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return value
  } catch (error) {
    throw new BillhookError('config_invalid', `the key set ${path} cannot be read as JSON`, { cause: error })
  }
}
