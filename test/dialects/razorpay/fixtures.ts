import { readdirSync, readFileSync } from 'node:fs'
import { open } from '../../../src/dialects/dialect.ts'
import type { Decoded, Notification } from '../../../src/dialects/dialect.ts'
import { razorpay } from '../../../src/dialects/razorpay/index.ts'
import type { Observation, Snapshot } from '../../../src/model/observations.ts'
import { hmacSha256 } from '../../../src/wire/hmac.ts'

const FOLDER = new URL('../../fixtures/razorpay/', import.meta.url)

export const WIRE_NAMES = readdirSync(new URL('wire/', FOLDER)).map((name) => name.replace(/\.body$/, ''))

export function wire(name: string): Buffer {
  return readFileSync(new URL(`wire/${name}.body`, FOLDER))
}

export interface Vector {
  readonly id: string
  readonly secret: string | null
  readonly payload?: string | null
  readonly payload_base64?: string
  readonly payload_json?: unknown
  readonly signature: string | null
  readonly valid: boolean
  readonly throws?: string
  readonly ours: 'open' | 'refused' | 'not-applicable'
}

export const VECTORS: readonly Vector[] = JSON.parse(
  readFileSync(new URL('../../../vectors/razorpay.json', import.meta.url), 'utf8'),
).vectors

export const SECRET = 'rzp_whk_for_tests'

export function keysOf(...texts: readonly string[]) {
  return { secrets: texts.map((text) => ({ text, from: null, until: null })), publicKey: null }
}

/** A printed sample, signed and opened as if it had just come. */
export async function opened(name: string): Promise<Notification> {
  const body = wire(name)
  const headers = {
    'x-razorpay-signature': hmacSha256(SECRET, body).toString('hex'),
    'x-razorpay-event-id': 'Rp71ZiqdEWusLa',
  }
  const answer = await open(razorpay, { headers, body }, keysOf(SECRET), { at: null, toleranceMs: null })
  if (!answer.ok) throw new Error(`${name}: ${answer.reason} ${answer.detail}`)
  return answer.notification
}

export async function decoded(name: string): Promise<Decoded> {
  return razorpay.decode(await opened(name))
}

export function snapshotOf<K extends Snapshot['object']>(
  observations: readonly Observation[],
  object: K,
): Extract<Snapshot, { object: K }> {
  const found = observations.find((o) => o.kind === 'snapshot' && o.object === object)
  if (found === undefined) throw new Error(`no snapshot of a ${object}`)
  return found as Extract<Snapshot, { object: K }>
}
