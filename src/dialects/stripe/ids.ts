import { isMintedId } from '../../model/entities.ts'
import type { EntityKind } from '../../model/entities.ts'
import { BASE62, deriveId } from '../../wire/ids.ts'

/** The provider's form of each kind of id: a prefix, and how many digits of base 62 follow. */
const FORMS = {
  customer: ['cus_', 14],
  product: ['prod_', 14],
  price: ['price_1', 23],
  payment_method: ['pm_1', 23],
  subscription: ['sub_1', 23],
  subscription_item: ['si_', 14],
  invoice: ['in_1', 23],
  invoice_line: ['il_1', 23],
  invoice_item: ['ii_1', 23],
  payment: ['pi_3', 23],
  refund: ['re_3', 23],
  checkout: ['cs_test_a1', 56],
  meter: ['mtr_test_61', 30],
  clock: ['clock_1', 23],
} as const satisfies Partial<Record<EntityKind, readonly [string, number]>>

/** Kinds of entities that have an id of the provider's form. */
export type PrintedKind = keyof typeof FORMS

/** The id as this provider prints it: one that Billhook minted in the provider's form, any other verbatim. */
export function printId(kind: PrintedKind, id: string, livemode = false): string {
  if (!isMintedId(id)) return id
  const key = `${kind}|${id}`
  const [prefix, digits] = FORMS[kind]
  return `${livemode ? liveForm(prefix) : prefix}${remembered(key) ?? remember(key, deriveId(key, BASE62, digits))}`
}

/**
 * Digits of ids printed lately, since one object names the same few again and again. Bounded by two generations: when
 * the younger is full, the older is dropped.
 */
const MAX_REMEMBERED = 4096
let young = new Map<string, string>()
let old = new Map<string, string>()

function remembered(key: string): string | undefined {
  return young.get(key) ?? old.get(key)
}

function remember(key: string, digits: string): string {
  if (young.size >= MAX_REMEMBERED) {
    old = young
    young = new Map()
  }
  young.set(key, digits)
  return digits
}

/** Null stays null. */
export function printIdOrNull(kind: PrintedKind, id: string | null): string | null {
  return id === null ? null : printId(kind, id)
}

function liveForm(prefix: string): string {
  return prefix.replace('_test_', prefix.startsWith('cs_') ? '_live_' : '_')
}

/** The charge of one attempt of a payment: attempts are counted from 1. */
export function chargeId(payment: string, attempt: number): string {
  return `ch_3${deriveId(`charge|${payment}|${attempt}`, BASE62, 23)}`
}

/** What moves the money of a charge or a refund to the account's balance. */
export function balanceTransactionId(source: string): string {
  return `txn_3${deriveId(`balance|${source}`, BASE62, 23)}`
}

/** The link of an invoice and its payment. */
export function invoicePaymentId(invoice: string, payment: string): string {
  return `inpay_1${deriveId(`invoice_payment|${invoice}|${payment}`, BASE62, 23)}`
}

/** The id of the n-th event of a type that one fact gives: the same in every version of the API. */
export function eventId(fact: string, type: string, n: number): string {
  const family = type.startsWith('charge.') || type.startsWith('payment_intent.') || type.startsWith('refund.')
  return `evt_${family ? '3' : '1'}${deriveId(`event|${fact}|${type}|${n}`, BASE62, 23)}`
}

/** The id of an API request. */
export function requestId(id: string): string {
  return id.startsWith('req_') ? id : `req_${deriveId(`request|${id}`, BASE62, 14)}`
}

/** Digits that follow from a seed, for members that are opaque to everybody: tokens in addresses, fingerprints. */
export function opaque(seed: string, digits: number): string {
  return deriveId(`opaque|${seed}`, BASE62, digits)
}
