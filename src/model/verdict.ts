/**
 * Why a delivery does not open: the closed list. `docs/verdicts.md` is generated from this table and a test compares the
 * two. `status` is what the ingest route answers; a 5xx asks the sender to try again.
 */
export const REFUSALS = {
  header_missing: { status: 400, meaning: 'A header that this dialect’s signature needs is missing.' },
  header_repeated: { status: 400, meaning: 'A header that must occur once occurs several times, or is a list.' },
  header_malformed: { status: 400, meaning: 'A signature header cannot be read.' },
  timestamp_malformed: { status: 400, meaning: 'The signed timestamp is not a whole number.' },
  timestamp_too_old: { status: 400, meaning: 'The signed timestamp is older than the tolerance.' },
  timestamp_in_future: {
    status: 400,
    meaning: 'The signed timestamp is further ahead of the clock than the tolerance allows.',
  },
  signature_missing: { status: 400, meaning: 'There is no signature of the scheme that this dialect accepts.' },
  signature_mismatch: {
    status: 400,
    meaning:
      'No signature matches the body with any live secret. Usual causes: the wrong secret, or a body that was parsed and serialized again.',
  },
  secret_missing: { status: 503, meaning: 'The source has no live secret or key, so no signature can be verified.' },
  algorithm_refused: { status: 400, meaning: 'The token names an algorithm other than the one allowed.' },
  key_id_missing: { status: 400, meaning: 'The token does not name its key.' },
  key_unknown: { status: 400, meaning: 'The provider’s key set has no such key.' },
  keys_unavailable: {
    status: 503,
    meaning: 'The provider’s key set could not be fetched and no earlier one has this key.',
  },
  token_malformed: { status: 400, meaning: 'The body is not a compact token of three base64url parts.' },
  token_expired: { status: 400, meaning: 'The token’s own expiry has passed.' },
  token_not_yet_valid: { status: 400, meaning: 'The token is not valid yet.' },
  event_too_old: { status: 400, meaning: 'The event is older than any retry of this provider: a replay.' },
  body_empty: { status: 400, meaning: 'The body is empty.' },
  body_too_large: { status: 413, meaning: 'The body is larger than the limit.' },
  body_not_raw: { status: 400, meaning: 'The body was parsed before it got here; raw bytes are needed.' },
  body_not_utf8: { status: 400, meaning: 'The body is not valid UTF-8.' },
  body_not_json: { status: 400, meaning: 'The body is not JSON.' },
  body_not_object: { status: 400, meaning: 'The body is JSON but not an object.' },
  body_too_deep: { status: 400, meaning: 'The body nests deeper than the limit.' },
} as const satisfies Record<string, { readonly status: number; readonly meaning: string }>

/** Why a delivery does not open. */
export type Refusal = keyof typeof REFUSALS
