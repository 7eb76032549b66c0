import { hash } from 'node:crypto'
import { BillhookError } from '../model/error.ts'

/** The digits that providers write ids with. */
export const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** Digits and lower-case letters. */
export const BASE36 = '0123456789abcdefghijklmnopqrstuvwxyz'
/** Hexadecimal digits. */
export const HEX = '0123456789abcdef'

/**
 * An id that follows from `seed` alone: the same seed gives the same id, other seeds give others. Every digit is as likely
 * as every other, so that `length` digits of `alphabet` are as hard to hit twice as their number allows.
 *
 * @param alphabet from 2 to 64 different characters
 * @throws BillhookError `internal_invariant` if the alphabet or the length is out of range
 */
export function deriveId(seed: string, alphabet: string, length: number): string {
  if (alphabet.length < 2 || alphabet.length > 64 || !Number.isInteger(length) || length < 1 || length > 256)
    throw new BillhookError('internal_invariant', `an id of ${length} digits of ${alphabet.length} cannot be derived`)
  const known = derived.get(alphabet) ?? new Map<string, string>()
  derived.set(alphabet, known)
  const key = `${length}\n${seed}`
  const before = known.get(key)
  if (before !== undefined) return before
  const id = digitsOf(seed, alphabet, length)
  if (known.size >= MAX_KNOWN) known.clear()
  known.set(key, id)
  return id
}

/** Ids that were derived before, by alphabet: the events of one change name the same objects over and over. */
const derived = new Map<string, Map<string, string>>()
const MAX_KNOWN = 5_000

function digitsOf(seed: string, alphabet: string, length: number): string {
  // Bytes beyond the last whole multiple are left out: taking them modulo would favour the first characters.
  const usable = 256 - (256 % alphabet.length)
  let id = ''
  for (let block = 0; id.length < length; block += 1) {
    for (const byte of hash('sha256', `${block}\n${seed}`, 'buffer')) {
      if (byte < usable && id.length < length) id += alphabet.charAt(byte % alphabet.length)
    }
  }
  return id
}

/** A version 4 UUID in form, but following from `seed` alone. */
export function deriveUuid(seed: string): string {
  const hex = deriveId(seed, HEX, 32)
  const variant = '89ab'.charAt(Number.parseInt(hex.charAt(16), 16) % 4)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
