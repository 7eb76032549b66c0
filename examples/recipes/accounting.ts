/**
 * Payments, refunds and bad debt go to the accounting system. The call carries the fact's key, which the other side
 * books once; a call that fails is made again by itself, and an operator's replay books nothing twice.
 */
import type { Receiver } from 'billhook/receiver'

export interface Entry {
  readonly type: 'payment' | 'refund' | 'bad_debt'
  readonly customer: string | null
  readonly subject: string
  readonly amount: string | null
  readonly reverses: boolean
}

/** @param book for example a POST with the key as Idempotency-Key; a throw has it tried again later */
export function accounting(receiver: Receiver, book: (key: string, entry: Entry) => Promise<void>): void {
  const shown = (amount: { readonly minor: bigint; readonly currency: string } | null): string | null =>
    amount === null ? null : `${amount.minor} ${amount.currency}`
  receiver
    .on(
      'invoice_paid',
      async ({ fact, key, retracted }) => {
        const { customer, subject, detail } = fact
        await book(key, { type: 'payment', customer, subject, amount: shown(detail.amount), reverses: retracted })
      },
      'book-invoice',
    )
    .on(
      'payment_succeeded',
      async ({ fact, key, retracted }) => {
        const { customer, subject, detail } = fact
        // Where there is an invoice, the invoice is booked.
        if (detail.invoice !== null) return
        await book(key, { type: 'payment', customer, subject, amount: shown(detail.amount), reverses: retracted })
      },
      'book-payment',
    )
    .on(
      'payment_refunded',
      async ({ fact, key, retracted }) => {
        const { customer, subject, detail } = fact
        await book(key, { type: 'refund', customer, subject, amount: shown(detail.amount), reverses: retracted })
      },
      'book-refund',
    )
    .on(
      'invoice_uncollectible',
      async ({ fact, key, retracted }) => {
        const { customer, subject, detail } = fact
        await book(key, { type: 'bad_debt', customer, subject, amount: shown(detail.amount), reverses: retracted })
      },
      'book-bad-debt',
    )
}
