import { isMintedId } from '../../../model/entities.ts'
import type { View } from '../../../model/entities.ts'
import { BASE36, BASE62, deriveId } from '../../../wire/ids.ts'

/**
 * The prefixes of Airwallex's ids. That of billing transactions is ours: no public source shows one. The customer has the
 * prefix of billing customers in both generations, since an object's id does not differ between them.
 */
const PREFIXES = {
  customer: 'bcus',
  subscription: 'sub',
  invoice: 'inv',
  transaction: 'btr',
  intent: 'int',
  checkout: 'bco',
  price: 'pri',
  product: 'prd',
  payment_source: 'psrc',
  payment_consent: 'cst',
  payment_method: 'mtd',
  meter: 'mtr',
} as const satisfies Record<string, string>

/** Kinds of entities that have an id of the provider's form. */
export type PrintedKind = keyof typeof PREFIXES

/** Region and environment: Hong Kong, and demo or production. Fifteen base-36 digits follow. */
const REGION = 'hk'
const LENGTH = 15

const BASE64_URL = `${BASE62}-_`

/** An id as it is printed: one that Billhook minted in the provider's form, one that the user chose as it is. */
export function printedId(kind: PrintedKind, id: string, view: View): string {
  return isMintedId(id) ? derivedId(kind, id, view) : id
}

/** An id in Airwallex's form that follows from `seed`. */
export function derivedId(kind: PrintedKind, seed: string, view: View): string {
  const environment = view.livemode ? 'pd' : 'dm'
  return `${PREFIXES[kind]}_${REGION}${environment}${deriveId(`${kind}:${seed}`, BASE36, LENGTH)}`
}

/** The account's id: a name that is not in the provider's form gets it. */
export function printedAccount(account: string): string {
  return /^(?:acct_[\w-]{22}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.test(account)
    ? account
    : `acct_${deriveId(`account:${account}`, BASE64_URL, 22)}`
}

/** The legal entity that an account bills for. */
export function legalEntityId(account: string): string {
  return `le_${deriveId(`legal_entity:${account}`, BASE64_URL, 22)}`
}

/** A text that nobody can guess from an id but that follows from it: the token of a hosted page. */
export function pageToken(seed: string): string {
  return deriveId(`page:${seed}`, BASE62, 32)
}
