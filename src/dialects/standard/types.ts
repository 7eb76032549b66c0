import { FACT_KINDS, RECORD_KINDS } from '../../model/facts.ts'
import type { FactKind, Told } from '../../model/facts.ts'

/**
 * The type of an event follows from the kind of what it tells: the first word is the object, a full stop stands between it
 * and the rest, and there is no other. `subscription_past_due` is `subscription.past_due`, `payment_method_attached` is
 * `payment.method_attached`. No two kinds give the same type, because a kind has no full stop.
 */
export function typeOf(kind: Told['kind']): string {
  return kind.replace('_', '.')
}

const KINDS: ReadonlyMap<string, Told['kind']> = new Map(
  [...Object.keys(FACT_KINDS), ...Object.keys(RECORD_KINDS)]
    .filter(isKind)
    .map((kind) => [typeOf(kind), kind] as const),
)

/** The kind that a type tells; null if it is not one of ours. */
export function kindOf(type: string): Told['kind'] | null {
  return KINDS.get(type) ?? null
}

/** True for the kinds of {@link FACT_KINDS}. */
export function isFactKind(kind: string): kind is FactKind {
  return Object.hasOwn(FACT_KINDS, kind)
}

function isKind(text: string): text is Told['kind'] {
  return isFactKind(text) || Object.hasOwn(RECORD_KINDS, text)
}

/** Every kind, facts first. */
export const ALL_KINDS: readonly Told['kind'][] = [...KINDS.values()]
