import type { View } from '../../../model/entities.ts'
import { instant, SECOND_MS } from '../../../model/instant.ts'
import type { JsonObject } from '../../../model/json.ts'
import { deriveUuid } from '../../../wire/ids.ts'
import type { DialectId, Notification, Origin } from '../../dialect.ts'
import { printedAccount } from './ids.ts'
import { printTime } from './print.ts'

/** One event before its envelope: its name, and the object that it brings. */
export interface Draft {
  readonly type: string
  readonly object: JsonObject
}

/** How a generation wraps an event: the top-level members in their order. */
export type Envelope = (
  event: { readonly id: string; readonly name: string; readonly accountId: string; readonly createdAt: string },
  object: JsonObject,
) => JsonObject

/**
 * Drafts as notifications. The event's id follows from the fact, the event's name and the generation: two endpoints of
 * different versions get different ids for one change, as they do from the provider.
 */
export function notificationsOf(
  drafts: readonly Draft[],
  dialect: DialectId,
  envelope: Envelope,
  told: { readonly view: View; readonly origin: Origin },
): readonly Notification[] {
  const { view, origin } = told
  const account = printedAccount(view.account)
  return drafts.map(({ type, object }, index) => {
    const id = deriveUuid(`${dialect}/${origin.fact}/${index}/${type}`)
    const event = { id, name: type, accountId: account, createdAt: printTime(origin.at, view) }
    return {
      id,
      type,
      // What is printed: the second.
      createdAt: instant(Math.floor(origin.at / SECOND_MS) * SECOND_MS),
      account,
      body: envelope(event, object),
    }
  })
}
