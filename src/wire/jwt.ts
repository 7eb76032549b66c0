import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { BillhookError } from '../model/error.ts'
import { canonicalJson } from '../model/json.ts'
import type { JsonObject } from '../model/json.ts'
import type { Refusal } from '../model/verdict.ts'
import { bytesOf, textOf } from './bytes.ts'
import { readJsonText } from './json_body.ts'

/**
 * A compact JWS taken apart, nothing judged yet. `payload` are the claims' bytes, which nobody may read before
 * {@link verifyRs256} said yes.
 */
export interface Token {
  readonly header: JsonObject
  readonly payload: Uint8Array
  readonly signature: Uint8Array
  /** The bytes that the signature is made over: header and payload as they travelled. */
  readonly signed: Uint8Array
}

/** A token, or why the bytes are none. */
export type ParsedToken =
  | { readonly ok: true; readonly token: Token }
  | { readonly ok: false; readonly reason: Refusal; readonly detail: string }

/** The public half of a signing key as a key set prints it. */
export interface PublicJwk {
  readonly [member: string]: string
  readonly e: string
  readonly n: string
  readonly alg: 'RS256'
  readonly kid: string
  readonly kty: 'RSA'
  readonly use: 'sig'
}

/** A smaller RSA key is not verified with. @source RFC 7518, section 3.3 */
const MIN_RSA_BITS = 2048

/**
 * Takes the bytes of a compact token apart. White space around it is let through: one official SDK is handed the body
 * with its trailing newline. Each part must be base64url in its only form, without padding and without stray bits at
 * the end, so that no two texts are the same token.
 *
 * @source RFC 7515, sections 2, 3.1 and 7.1
 */
export function parseToken(body: Uint8Array): ParsedToken {
  if (body.length === 0) return { ok: false, reason: 'body_empty', detail: 'the body has no bytes' }
  const text = textOf(body)
  if (text === null) return { ok: false, reason: 'body_not_utf8', detail: 'the body is not valid UTF-8' }
  const parts = text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '').split('.')
  const [headerPart, payloadPart, signaturePart] = parts
  if (parts.length !== 3 || headerPart === undefined || payloadPart === undefined || signaturePart === undefined)
    return malformed(`the body has ${parts.length} parts separated by dots, not 3`)
  const headerBytes = fromBase64Url(headerPart)
  const payload = fromBase64Url(payloadPart)
  const signature = fromBase64Url(signaturePart)
  if (headerBytes === null || payload === null || signature === null)
    return malformed('a part of the token is not base64url')
  const headerText = textOf(headerBytes)
  const header = headerText === null ? null : readJsonText(headerText)
  if (header === null || !header.ok) return malformed('the header of the token is not a JSON object')
  return {
    ok: true,
    token: { header: header.body, payload, signature, signed: bytesOf(`${headerPart}.${payloadPart}`) },
  }
}

/**
 * True if the token is signed with RSASSA-PKCS1-v1_5 and SHA-256 by the private half of `jwk`. The algorithm comes from
 * here, never from the token. False too if the key is not an RSA key of 2048 bits or more that may verify signatures.
 */
export function verifyRs256(token: Token, jwk: Readonly<Record<string, unknown>>): boolean {
  const key = publicKeyOf(jwk)
  return key !== null && verify('RSA-SHA256', token.signed, key, token.signature)
}

/**
 * A compact token signed with RS256: header members in the order `alg`, `kid`, `typ`; claims without white space, the
 * keys of every object sorted.
 *
 * @throws BillhookError `config_invalid` if the key is no RSA private key
 */
export function signRs256(claims: JsonObject, key: { readonly keyId: string; readonly privateKeyPem: string }): string {
  const header = base64Url(JSON.stringify({ alg: 'RS256', kid: key.keyId, typ: 'JWT' }))
  const signed = `${header}.${base64Url(canonicalJson(claims))}`
  const signature = sign('RSA-SHA256', bytesOf(signed), privateKeyOf(key.privateKeyPem))
  return `${signed}.${signature.toString('base64url')}`
}

/**
 * The key id of a key pair: 16 bytes as colon-separated lower-case hexadecimal, derived from the public key, so that it
 * is the same on every node. This form has none of the characters that break a first-party validator's header decoding.
 */
export function keyIdOf(privateKeyPem: string): string {
  const spki = createPublicKey(privateKeyOf(privateKeyPem)).export({ type: 'spki', format: 'der' })
  const digest = createHash('sha256').update(spki).digest('hex').slice(0, 32)
  return (digest.match(/../g) ?? []).join(':')
}

/**
 * The public half of a private key, for a key set. It names `use` and `alg`: one official validator refuses every token
 * without the first, another accepts other algorithms without the second.
 *
 * @throws BillhookError `config_invalid` if the key is no RSA private key
 */
export function publicJwkOf(key: { readonly keyId: string; readonly privateKeyPem: string }): PublicJwk {
  const { e, n } = createPublicKey(privateKeyOf(key.privateKeyPem)).export({ format: 'jwk' })
  if (e === undefined || n === undefined)
    throw new BillhookError('internal_invariant', 'an RSA public key was exported without its numbers')
  return { e, n, alg: 'RS256', kid: key.keyId, kty: 'RSA', use: 'sig' }
}

/** The key set to publish: the current key first, then successors and predecessors that are still accepted. */
export function keySetOf(keys: readonly { readonly keyId: string; readonly privateKeyPem: string }[]): {
  readonly keys: readonly PublicJwk[]
} {
  return { keys: keys.map(publicJwkOf) }
}

function malformed(detail: string): ParsedToken {
  return { ok: false, reason: 'token_malformed', detail }
}

function base64Url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url')
}

function fromBase64Url(text: string): Uint8Array | null {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return null
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : null
}

/** Key objects by the key they were made from: making one costs more than a verification. */
const importedKeys = new WeakMap<object, KeyObject | null>()

function publicKeyOf(jwk: Readonly<Record<string, unknown>>): KeyObject | null {
  const known = importedKeys.get(jwk)
  if (known !== undefined) return known
  const imported = importKey(jwk)
  importedKeys.set(jwk, imported)
  return imported
}

function importKey(jwk: Readonly<Record<string, unknown>>): KeyObject | null {
  const { kty, e, n, use, alg } = jwk
  if (kty !== 'RSA' || typeof e !== 'string' || typeof n !== 'string') return null
  if ((use ?? 'sig') !== 'sig' || (alg ?? 'RS256') !== 'RS256') return null
  try {
    const key = createPublicKey({ key: { kty, e, n }, format: 'jwk' })
    return (key.asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_RSA_BITS ? key : null
  } catch {
    // Numbers that are no RSA key: the set is wrong, so it verifies nothing.
    return null
  }
}

function privateKeyOf(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyType === 'rsa') return key
  } catch {
    // The error's text may quote the key, so it is not kept as a cause.
  }
  throw new BillhookError('config_invalid', 'the signing key is not an RSA private key in PEM form')
}
