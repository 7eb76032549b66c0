import type { Checkout } from '../model/entities.ts'
import { lookup, tell } from './step.ts'
import type { Step } from './step.ts'
import { moveCheckout } from './tables.ts'

/** Completes the open checkout that made this subscription or invoice, if there is one. */
export function completeCheckoutOf(
  step: Step,
  made: { readonly subscription: string | null; readonly invoice: string },
): void {
  const checkout = Object.values(step.state.checkouts).find(
    (checkout) =>
      checkout.status === 'open' &&
      (checkout.invoice === made.invoice ||
        (checkout.subscription !== null && checkout.subscription === made.subscription)),
  )
  if (checkout !== undefined) completeCheckout(step, checkout)
}

/** The checkout is done. */
export function completeCheckout(step: Step, checkout: Checkout): void {
  const { at } = step.context
  const next: Checkout = {
    ...checkout,
    status: moveCheckout(checkout.status, 'complete'),
    customer: step.state.id,
    completedAt: at,
    updatedAt: at,
  }
  const { reference, subscription } = next
  const made = lookup(step.state.subscriptions, subscription)
  const invoice = lookup(step.state.invoices, next.invoice)
  tell(
    step,
    { kind: 'checkout_completed', subject: next.id, detail: { reference, subscription } },
    { checkout: next, ...(made === null ? {} : { subscription: made }), ...(invoice === null ? {} : { invoice }) },
  )
}
