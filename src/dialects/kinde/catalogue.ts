import type { CatalogueEntry } from '../dialect.ts'

const SEED = 'seed 000'
const DOCS = 'docs.kinde.com/integrate/webhooks/add-manage-webhooks'

/** Kinde's event types: the eight billing events of the seed, the ninth of its later pages, and those beside billing. */
export const CATALOGUE: readonly CatalogueEntry[] = [
  {
    type: 'customer.agreement_cancelled',
    label: null,
    seed: true,
    carries: ['subscription_canceled'],
    meaning: 'A customer’s subscription was cancelled, by the customer or by an admin.',
    source: SEED,
  },
  {
    type: 'customer.agreement_created',
    label: null,
    seed: true,
    carries: ['subscription_created', 'subscription_activated'],
    meaning: 'A customer signed up to a plan or changed plans, and an agreement was created.',
    source: SEED,
  },
  {
    type: 'customer.invoice_overdue',
    label: null,
    seed: true,
    carries: ['invoice_overdue', 'subscription_past_due'],
    meaning: 'A customer’s invoice became overdue; usually only where payment is not automated.',
    source: SEED,
  },
  {
    type: 'customer.meter_usage_updated',
    label: null,
    seed: true,
    carries: ['usage_updated'],
    meaning: 'A customer’s metered usage was recorded against a plan feature.',
    source: SEED,
  },
  {
    type: 'customer.payment_failed',
    label: null,
    seed: true,
    carries: ['payment_failed', 'invoice_payment_failed', 'subscription_past_due'],
    meaning: 'A customer’s payment attempt failed.',
    source: SEED,
  },
  {
    type: 'customer.payment_succeeded',
    label: null,
    seed: true,
    carries: ['payment_succeeded', 'invoice_paid', 'subscription_activated', 'subscription_renewed'],
    meaning: 'A customer’s payment was processed.',
    source: SEED,
  },
  {
    type: 'customer.plan_assigned',
    label: null,
    seed: true,
    carries: ['plan_assigned'],
    meaning: 'A customer was associated with a plan.',
    source: SEED,
  },
  {
    type: 'customer.plan_changed',
    label: null,
    seed: true,
    carries: ['subscription_changed'],
    meaning: 'A customer’s billing plan was changed: upgraded or downgraded.',
    source: SEED,
  },
  beside('customer.plan_created', 'A plan was created.'),
  beside('organization.created', 'An organization was created.'),
  beside('organization.updated', 'An organization changed.'),
  beside('organization.deleted', 'An organization was deleted.'),
  beside('user.created', 'A user signed up or was added; not told for imports.'),
  beside('user.updated', 'A user changed.'),
  beside('user.deleted', 'A user was deleted.'),
  beside('user.authenticated', 'A user signed in.'),
  beside('user.authentication_failed', 'A sign-in failed.'),
  beside('subscriber.created', 'A subscriber was added.'),
  beside('access_request.created', 'Somebody asked for access.'),
  beside('passkey.added', 'A passkey was added.'),
  beside('passkey.removed', 'A passkey was removed.'),
  beside('role.created', 'A role was created.'),
  beside('role.updated', 'A role changed.'),
  beside('role.deleted', 'A role was deleted.'),
  beside('permission.created', 'A permission was created.'),
  beside('permission.updated', 'A permission changed.'),
  beside('permission.deleted', 'A permission was deleted.'),
]

/** The types of {@link CATALOGUE}. */
export const KNOWN_TYPES: ReadonlySet<string> = new Set(CATALOGUE.map((entry) => entry.type))

function beside(type: string, meaning: string): CatalogueEntry {
  return { type, label: null, seed: false, carries: [], meaning, source: DOCS }
}
