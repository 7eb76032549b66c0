/** The payment gate: an invoice waits until its creation was acknowledged. */
import type { GateCommand } from '../model/commands.ts'
import type { Invoice } from '../model/entities.ts'
import { addMs, earliest } from '../model/instant.ts'
import { finalizeInvoice } from './invoice.ts'
import { lookup, put } from './step.ts'
import type { Step } from './step.ts'

/** An acknowledgement, or the end of waiting for one. For an invoice that does not wait it changes nothing. */
export function decideGate(step: Step, command: GateCommand): void {
  const invoice = lookup(step.state.invoices, command.invoice)
  if (invoice === null || invoice.status !== 'draft' || invoice.gate.state !== 'waiting') return
  const { at, profile } = step.context
  const { latestAt } = invoice.gate
  if (profile.gate === 'classic') {
    // The older rule knows no giving up before the limit: then it is charged anyway.
    if (command.kind === 'gate.given_up' && latestAt !== null && at < latestAt) return
    passGate(step, invoice)
    return
  }
  const planned = addMs(at, profile.draftMs)
  const finalizesAt = latestAt === null ? planned : earliest(planned, latestAt)
  put(step, {
    invoice: {
      ...invoice,
      gate: { state: 'open', deliveredAt: at, latestAt },
      finalizesAt,
      nextAttemptAt: invoice.autoAdvance ? finalizesAt : null,
    },
  })
}

/** The draft has waited long enough, or long enough after its acknowledgement. */
export function passGate(step: Step, invoice: Invoice): void {
  const { latestAt, deliveredAt } = invoice.gate
  const gate = { state: 'open' as const, deliveredAt: deliveredAt ?? step.context.at, latestAt }
  finalizeInvoice(step, { ...invoice, gate })
}
