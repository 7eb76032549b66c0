import type { Refusal } from '../model/verdict.ts'

/** Headers as received: a list means that the name occurred more than once (or that nobody can say how often). */
export type Headers = Readonly<Record<string, string | readonly string[]>>

/** One header's value, or why it cannot be used. */
export type HeaderValue =
  { readonly ok: true; readonly value: string } | { readonly ok: false; readonly reason: Refusal }

/**
 * A header that must occur exactly once; names are compared without regard to case. A list is refused even with one
 * member: whoever hands over a list cannot say which member the sender signed with.
 */
export function singleHeader(headers: Headers, name: string): HeaderValue {
  const wanted = name.toLowerCase()
  let found: string | null = null
  for (const [key, value] of Object.entries(headers)) {
    if (key.toLowerCase() !== wanted) continue
    if (typeof value !== 'string' || found !== null) return { ok: false, reason: 'header_repeated' }
    found = value
  }
  return found === null || found === '' ? { ok: false, reason: 'header_missing' } : { ok: true, value: found }
}

/** The first value of a header that nothing is decided by, or null. */
export function optionalHeader(headers: Headers, name: string): string | null {
  const wanted = name.toLowerCase()
  for (const [key, value] of Object.entries(headers)) {
    if (key.toLowerCase() === wanted) return typeof value === 'string' ? value : (value[0] ?? null)
  }
  return null
}
