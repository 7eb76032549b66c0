const UTF8 = new TextDecoder('utf-8', { fatal: true })
const ENCODER = new TextEncoder()

/** UTF-8 bytes of a text. */
export function bytesOf(text: string): Uint8Array {
  return ENCODER.encode(text)
}

/** The text of UTF-8 bytes, a leading byte order mark removed; null if they are not UTF-8. */
export function textOf(bytes: Uint8Array): string | null {
  try {
    return UTF8.decode(bytes)
  } catch {
    return null
  }
}

/** Several byte strings as one. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts)
}
