import type { AccessAnswer } from '../model/access.ts'
import { BillhookError } from '../model/error.ts'
import type { FactKind } from '../model/facts.ts'
import { isObject, readModel, writeModel } from '../model/json.ts'
import type { Instant } from '../model/instant.ts'
import type { ObjectValues } from '../model/objects.ts'
import type { ReactionRow } from '../ports/reaction_store.ts'

/** What a reaction carries beside its fact, which is read again when it is told. */
export interface ReactionData {
  /** True: what was told before turned out not to be so. */
  readonly retracted: boolean
  /** True: an operator has it told again. */
  readonly replay: boolean
  /** The customer's access before and after the fold that brought the fact; null where no customer is known. */
  readonly before: AccessAnswer | null
  readonly after: AccessAnswer | null
  /** The object that the fact is about, before that fold; null if nothing was known of it. */
  readonly objectBefore: ObjectValues[keyof ObjectValues] | null
}

/** What a new reaction is made of. */
export interface NewReaction {
  readonly account: string
  readonly source: string
  readonly id: string
  readonly subject: string
  readonly factKey: string
  readonly kind: FactKind
  readonly delivery: string | null
  readonly createdAt: Instant
  readonly dueAt: Instant
  readonly data: ReactionData
}

/** A reaction that nobody has begun. */
export function newReaction(wanted: NewReaction): ReactionRow {
  const { data, ...row } = wanted
  return { ...row, data: writeModel(data), state: 'waiting', attempts: 0, done: [], error: null, finishedAt: null }
}

/** @throws BillhookError `internal_invariant` if the row was not written by {@link newReaction} */
export function readReactionData(row: ReactionRow): ReactionData {
  const data = readModel(row.data)
  if (isReactionData(data)) return data
  throw new BillhookError('internal_invariant', `the reaction ${row.id} is stored in a form that cannot be read`)
}

function isReactionData(value: unknown): value is ReactionData {
  return isObject(value) && typeof value['retracted'] === 'boolean' && typeof value['replay'] === 'boolean'
}
