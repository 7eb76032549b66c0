/** The ledger's values as the store keeps them: text of the model, read back with a check. */
import type { Valued } from '../ledger/register.ts'
import type { SubjectState } from '../ledger/state.ts'
import { BillhookError } from '../model/error.ts'
import { FACT_KINDS } from '../model/facts.ts'
import type { AccessSummary, DerivedFact } from '../model/facts.ts'
import { isObject, readModel, writeModel } from '../model/json.ts'
import type { Observation } from '../model/observations.ts'
import type { ObservationRow } from '../ports/ledger_store.ts'

function read<T>(text: string, is: (value: unknown) => value is T, what: string): T {
  const value = readModel(text)
  if (is(value)) return value
  throw new BillhookError('internal_invariant', `the store holds ${what} that cannot be read: fold the source again`)
}

/** An observation and its place within the delivery that told it. */
export interface Placed {
  readonly place: number
  readonly observation: Observation
}

/** Inverse of {@link readObservations}. */
export function writeObservations(placed: readonly Placed[]): string {
  return writeModel(placed.map(({ place, observation }) => [place, observation]))
}

/** Reads stored observations. @throws BillhookError `internal_invariant` */
export function readObservations(text: string): readonly Placed[] {
  return read(text, isPlaces, 'observations').map(([place, observation]) => ({ place, observation }))
}

/** Reads a stored fact. @throws BillhookError `internal_invariant` */
export function readFact(text: string): DerivedFact {
  return read(text, isFact, 'a fact')
}

/** Everything that these rows observe, in their order. */
export function observationsIn(rows: readonly ObservationRow[]): readonly Observation[] {
  return rows.flatMap(({ data }) => readObservations(data).map(({ observation }) => observation))
}

/** What is known of an object. */
export function readKnown(text: string): Valued {
  return read(text, isKnown, 'an object')
}

/** Reads a stored summary of an access answer. @throws BillhookError `internal_invariant` */
export function readSummary(text: string): AccessSummary {
  return read(text, isSummary, 'an access summary')
}

/** @param text empty for a group that nothing was folded into */
export function readState(text: string): SubjectState {
  return text === '' ? EMPTY_STATE : read(text, isState, 'a state')
}

const EMPTY_STATE: SubjectState = { customers: [], subscriptions: [], usage: [] }

function isPlaces(value: unknown): value is readonly (readonly [number, Observation])[] {
  return (
    Array.isArray(value) &&
    value.every((each) => Array.isArray(each) && typeof each[0] === 'number' && isObservation(each[1]))
  )
}

function isObservation(value: unknown): value is Observation {
  if (!isObject(value) || typeof value['stamp'] !== 'number') return false
  const { kind } = value
  return kind === 'snapshot' || kind === 'patch' || kind === 'happening'
}

function isFact(value: unknown): value is DerivedFact {
  if (!isObject(value) || typeof value['key'] !== 'string') return false
  const { kind } = value
  return typeof kind === 'string' && Object.hasOwn(FACT_KINDS, kind)
}

function isKnown(value: unknown): value is Valued {
  return isObject(value) && isObject(value['value']) && typeof value['sure'] === 'boolean'
}

function isSummary(value: unknown): value is AccessSummary {
  return isObject(value) && typeof value['allowed'] === 'boolean' && Array.isArray(value['features'])
}

function isState(value: unknown): value is SubjectState {
  return isObject(value) && Array.isArray(value['customers']) && Array.isArray(value['subscriptions'])
}
