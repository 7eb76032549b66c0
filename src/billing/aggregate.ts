import { changed, emptyState, entitiesOf, removed, withEntity } from '../lifecycle/state.ts'
import type { Catalog, CustomerState, StateEntity, StateKind } from '../lifecycle/state.ts'
import { settled } from '../lifecycle/settled.ts'
import type { Instant } from '../model/instant.ts'
import type { Aggregate, AggregateChange, StoredEntity } from '../ports/billing_store.ts'

/** Kinds of the catalogue: what a customer's state does not hold. */
const CATALOG_KINDS: ReadonlySet<string> = new Set(['product', 'price', 'meter', 'clock'])

/** The engine's state of a customer, from its rows. */
export function stateOf(customer: string, aggregate: Aggregate | null): CustomerState {
  const entities = aggregate?.entities ?? []
  return entities.filter(isOfState).reduce((state, entity) => withEntity(state, entity), emptyState(customer))
}

/** True for an entity that a customer's state holds. */
export function isOfState(entity: StoredEntity): entity is StoredEntity & StateEntity {
  return !CATALOG_KINDS.has(entity.kind)
}

/** The account's catalogue, from its rows. */
export function catalogOf(aggregate: Aggregate | null): Catalog {
  const entities = aggregate?.entities ?? []
  const of = <K extends StoredEntity['kind']>(kind: K): Extract<StoredEntity, { kind: K }>[] =>
    entities.filter((entity): entity is Extract<StoredEntity, { kind: K }> => entity.kind === kind)
  return {
    products: Object.fromEntries(of('product').map(({ id, value }) => [id, value])),
    prices: Object.fromEntries(of('price').map(({ id, value }) => [id, value])),
    meters: Object.fromEntries(of('meter').map(({ id, value }) => [id, value])),
  }
}

/** The catalogue's rows that changed. */
export function catalogChanges(before: Catalog, after: Catalog): readonly StoredEntity[] {
  return [
    ...newIn(before.products, after.products).map(
      ([id, value]) => ({ kind: 'product', id, live: true, value }) as const,
    ),
    ...newIn(before.prices, after.prices).map(([id, value]) => ({ kind: 'price', id, live: true, value }) as const),
    ...newIn(before.meters, after.meters).map(([id, value]) => ({ kind: 'meter', id, live: true, value }) as const),
  ]
}

function newIn<T>(before: Readonly<Record<string, T>>, after: Readonly<Record<string, T>>): readonly [string, T][] {
  return Object.entries(after).filter(([id, value]) => before[id] !== value)
}

/** What a step of the engine leaves to be written. */
export interface StepOutcome {
  readonly account: string
  readonly before: CustomerState
  readonly after: CustomerState
  readonly minted: number
  readonly version: number
  readonly dueAt: Instant | null
}

/** The rows that a step changed. Entities that no rule needs any more leave the state, and stay for reading. */
export function changeOf({ account, before, after, minted, version, dueAt }: StepOutcome): AggregateChange {
  const leaving = new Set(settled(after).map(keyOf))
  const touched = new Map(changed(before, after).map((entity) => [keyOf(entity), entity]))
  if (leaving.size > 0)
    for (const entity of entitiesOf(after)) if (leaving.has(keyOf(entity))) touched.set(keyOf(entity), entity)
  return {
    account,
    customer: after.id,
    entities: [...touched].map(([key, entity]) => ({ ...entity, live: !leaving.has(key) })),
    removed: removed(before, after).map(({ kind, id }) => ({ kind, id })),
    minted,
    version,
    dueAt,
  }
}

/** All rows of a state that is new to the store. */
export function wholeChange(outcome: Omit<StepOutcome, 'before'>): AggregateChange {
  return changeOf({ ...outcome, before: emptyState(outcome.after.id) })
}

/** True if the state holds this entity. */
export function holds(state: CustomerState, kind: StateKind, id: string): boolean {
  return entitiesOf(state).some((entity) => entity.kind === kind && entity.id === id)
}

function keyOf(entity: StateEntity): string {
  return `${entity.kind}|${entity.id}`
}
