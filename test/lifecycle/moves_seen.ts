import { expect } from 'vitest'
import type { Entities } from '../../src/model/entities.ts'
import { TABLES } from '../../src/lifecycle/tables.ts'
import type { MachineName, Row } from '../../src/lifecycle/tables.ts'
import type { Telling } from '../../src/lifecycle/state.ts'

/** Rows that were seen at work, as `machine from on`. */
export const SEEN = new Set<string>()

export function rowName(machine: string, row: Row): string {
  return `${machine}: ${row.from ?? 'nothing'} ${row.on} ${row.to ?? 'nothing'}`
}

/** Every change of a status that a telling shows must be a row that tells so; what was seen is remembered. */
export function checkMoves(tellings: readonly Telling[]): void {
  for (const telling of tellings) {
    for (const machine of Object.keys(TABLES) as MachineName[]) checkMove(machine, telling)
  }
}

function checkMove(machine: MachineName, { told, view }: Telling): void {
  // The invoice that is shown before a renewal, and the agreement whose plan is told, do not exist yet.
  if (machine === 'invoice' && told.kind === 'subscription_renewal_upcoming') return
  if (machine === 'subscription' && told.kind === 'plan_assigned') return
  const from = statusOf(view.before, machine)
  const to = statusOf(view.after, machine)
  // The old agreement is shown beside the new one that it became: nobody's status changes.
  if (from.id !== null && to.id !== null && from.id !== to.id) return
  if (from.status === to.status) {
    return
  }
  const rows: readonly Row[] = TABLES[machine]
  const found = rows.filter(
    (row) => row.from === from.status && row.to === to.status && (row.emits as readonly string[]).includes(told.kind),
  )
  // A refund that is decided at once is first seen when it succeeded, or failed.
  const asked = machine === 'refund' && from.status === null
  expect(found.length > 0 || asked, `${told.kind} moved ${machine} from ${from.status} to ${to.status}`).toBe(true)
  for (const row of found) SEEN.add(rowName(machine, row))
  if (machine === 'refund') SEEN.add('refund: nothing ask pending')
}

function statusOf(
  entities: Entities,
  machine: MachineName,
): { readonly id: string | null; readonly status: string | null } {
  const entity = entities[machine]
  return { id: entity?.id ?? null, status: entity?.status ?? null }
}
