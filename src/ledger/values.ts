/** What is special about each kind of object: empty values, what a null never erases, and which way its states run. */
import type { ObjectKind, ObjectValues, ObservedSubscription } from '../model/objects.ts'
import { SUBSCRIPTION_STATUSES } from '../model/status.ts'
import type { InvoiceStatus, PaymentStatus } from '../model/status.ts'

/** The value of an object of which nothing was said: what patches are laid upon. */
export const EMPTY: ObjectValues = {
  subscription: {
    customer: null,
    status: 'unknown',
    providerStatus: null,
    plan: null,
    items: [],
    quantity: null,
    period: null,
    trial: null,
    createdAt: null,
    startedAt: null,
    endedAt: null,
    cancel: null,
    pause: null,
    collection: null,
    latestInvoice: null,
    cycles: null,
    paymentMethod: 'unknown',
    interval: null,
    anchor: null,
    paidThrough: null,
    free: false,
    metadata: {},
  },
  invoice: {
    customer: null,
    subscription: null,
    status: 'draft',
    number: null,
    reason: 'unknown',
    total: null,
    amountDue: null,
    amountPaid: null,
    refunded: null,
    period: null,
    createdAt: null,
    paidAt: null,
    dueAt: null,
    attempts: null,
    nextAttemptAt: null,
    collection: null,
    paidOutOfBand: false,
  },
  payment: {
    customer: null,
    invoice: 'unknown',
    subscription: null,
    status: 'initiated',
    amount: null,
    refunded: null,
    failure: null,
    alias: null,
    createdAt: null,
  },
  payment_link: { payment: '', invoice: '', amountPaid: null, status: 'open' },
  checkout: {
    customer: null,
    subscription: null,
    invoice: null,
    status: 'open',
    reference: null,
    createdAt: null,
    metadata: {},
  },
  customer: { users: [], email: null, name: null, paymentMethod: 'unknown', deleted: false },
}

/** Fields that a null (or `unknown`, or an empty list) never erases once they are known. */
export const STICKY: { readonly [K in ObjectKind]: readonly (keyof ObjectValues[K] & string)[] } = {
  subscription: [
    'customer',
    'plan',
    'items',
    'quantity',
    'period',
    'trial',
    'createdAt',
    'startedAt',
    'collection',
    'latestInvoice',
    'cycles',
    'paymentMethod',
    'interval',
    'anchor',
    'paidThrough',
    'exclusive',
  ],
  invoice: [
    'customer',
    'subscription',
    'number',
    'reason',
    'total',
    'amountPaid',
    'refunded',
    'period',
    'createdAt',
    'paidAt',
    'dueAt',
    'collection',
  ],
  payment: ['customer', 'invoice', 'subscription', 'amount', 'refunded', 'alias', 'createdAt'],
  payment_link: ['payment', 'invoice', 'amountPaid'],
  checkout: ['customer', 'subscription', 'invoice', 'reference', 'createdAt'],
  customer: ['users', 'email', 'name', 'paymentMethod'],
}

/** True if a field says something. */
export function isSaid(value: unknown): boolean {
  if (value === null || value === undefined || value === 'unknown' || value === '') return false
  return !(Array.isArray(value) && value.length === 0)
}

/** True for a value in a state that its kind never leaves: the first one is kept forever. */
export function isFinal(kind: ObjectKind, value: object): boolean {
  if (kind === 'subscription') return 'status' in value && isFinalStatus(value.status)
  if (kind === 'invoice') return 'status' in value && value.status === 'void'
  if (kind === 'checkout') return 'status' in value && value.status === 'expired'
  if (kind === 'customer') return 'deleted' in value && value.deleted === true
  return false
}

function isFinalStatus(status: unknown): boolean {
  return status === 'canceled' || status === 'completed' || status === 'expired'
}

const INVOICE_STEPS: Readonly<Record<InvoiceStatus, number>> = { draft: 0, open: 1, uncollectible: 2, paid: 3, void: 3 }

/** Between the first and the last, attempts may go round: those are one step. */
const PAYMENT_STEPS: Readonly<Record<PaymentStatus, number>> = {
  initiated: 0,
  requires_action: 1,
  processing: 1,
  failed: 1,
  succeeded: 2,
  canceled: 2,
}

/**
 * How far an object has come on the way that its kind goes one way only; null where that cannot be said. An object is
 * never earlier than it was, so of two values with one stamp the one that is further came later.
 */
export function progressOf(kind: ObjectKind, value: object): number | null {
  switch (kind) {
    case 'subscription':
      return 'status' in value ? subscriptionStep(value.status) : null
    case 'invoice':
      return 'status' in value ? stepIn(INVOICE_STEPS, value.status) : null
    case 'payment':
      return 'status' in value ? stepIn(PAYMENT_STEPS, value.status) : null
    case 'checkout':
    case 'payment_link':
      return 'status' in value && value.status === 'open' ? 0 : 1
    case 'customer':
      return null
  }
}

const PHASES = { before: 0, live: 1, after: 2 } as const

function subscriptionStep(status: unknown): number | null {
  if (!isSubscriptionStatus(status) || status === 'unknown') return null
  return PHASES[SUBSCRIPTION_STATUSES[status].phase]
}

function isSubscriptionStatus(status: unknown): status is ObservedSubscription['status'] {
  return typeof status === 'string' && Object.hasOwn(SUBSCRIPTION_STATUSES, status)
}

function stepIn(steps: Readonly<Record<string, number>>, status: unknown): number | null {
  return typeof status === 'string' && Object.hasOwn(steps, status) ? (steps[status] ?? null) : null
}
