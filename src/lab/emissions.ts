import type { JsonObject } from '../model/json.ts'
import { mismatches } from './match.ts'
import type { Mismatch } from './match.ts'
import type { ExpectedEvent, ForbiddenEvent } from './scenario.ts'

/** An event that was emitted, in the order of emission. */
export interface Emission {
  readonly type: string
  readonly body: JsonObject
}

/** One line of the comparison of what was expected with what was emitted. */
export type Line =
  /** Emitted between two optional events, of a type that the story names nowhere: not asserted. */
  | { readonly kind: 'companion'; readonly type: string }
  | {
      readonly kind: 'same'
      readonly type: string
      readonly optional: boolean
      readonly mismatches: readonly Mismatch[]
    }
  /** An optional event at another place of its step than the story gives it: when it comes is as optional as that it comes. */
  | { readonly kind: 'elsewhere'; readonly type: string }
  | { readonly kind: 'missing'; readonly type: string }
  | { readonly kind: 'unexpected'; readonly type: string }
  | { readonly kind: 'skipped'; readonly type: string }
  | { readonly kind: 'never'; readonly type: string }

const HARMLESS: ReadonlySet<Line['kind']> = new Set(['skipped', 'companion', 'elsewhere'])

/** True for a line that holds. */
export function holds(line: Line): boolean {
  return HARMLESS.has(line.kind) || (line.kind === 'same' && line.mismatches.length === 0)
}

/** What a wrong line costs: the comparison is the cheapest one, so that a diff stays small. */
const COST = { missing: 100, unexpected: 100, mismatch: 1, skipped: 0 } as const

/** Optional events that did not come where the story has them, and events that came where it has none. */
interface Loose {
  readonly skipped: { readonly line: number; readonly wanted: ExpectedEvent }[]
  readonly unexpected: { readonly line: number; readonly found: Emission }[]
}

/**
 * Compares emissions with what a story expects, in exactly its order; optional events may be absent, or come at another place
 * of the step. Where several readings are possible, the one with the fewest faults is taken.
 */
export function compareEmissions(
  expected: readonly ExpectedEvent[],
  emitted: readonly Emission[],
  named: ReadonlySet<string> = new Set(expected.map(({ type }) => type)),
): readonly Line[] {
  const table = costs(expected, emitted)
  const lines: Line[] = []
  const loose: Loose = { skipped: [], unexpected: [] }
  let [i, j] = [0, 0]
  while (i < expected.length || j < emitted.length) {
    const [wanted, found] = [expected[i], emitted[j]]
    const here = costAt(table, i, j)
    if (wanted !== undefined && found !== undefined && wanted.type === found.type) {
      const faults = mismatches(wanted.match, found.body)
      if (here === faults.length * COST.mismatch + costAt(table, i + 1, j + 1)) {
        lines.push({ kind: 'same', type: found.type, optional: wanted.optional, mismatches: faults })
        i += 1
        j += 1
        continue
      }
    }
    if (wanted !== undefined && here === absenceCost(wanted) + costAt(table, i + 1, j)) {
      if (wanted.optional) loose.skipped.push({ line: lines.length, wanted })
      lines.push({ kind: wanted.optional ? 'skipped' : 'missing', type: wanted.type })
      i += 1
    } else if (found !== undefined) {
      loose.unexpected.push({ line: lines.length, found })
      lines.push({ kind: 'unexpected', type: found.type })
      j += 1
    }
  }
  return withCompanions(withElsewhere(lines, loose), named)
}

/** Pairs optional events with their like that came at another place of the step: the two lines become one. */
function withElsewhere(lines: readonly Line[], { skipped, unexpected }: Loose): readonly Line[] {
  const gone = new Set<number>()
  const elsewhere = new Set<number>()
  for (const { line, found } of unexpected) {
    const like = skipped.find(
      (one) =>
        !gone.has(one.line) && one.wanted.type === found.type && mismatches(one.wanted.match, found.body).length === 0,
    )
    if (like === undefined) continue
    gone.add(like.line)
    elsewhere.add(line)
  }
  return lines.flatMap((line, index): readonly Line[] => {
    if (gone.has(index)) return []
    return [elsewhere.has(index) ? { kind: 'elsewhere', type: line.type } : line]
  })
}

/**
 * Where two optional events were emitted, the story does not say in which detail that happened: what lies between them and
 * has a type that the story names nowhere is their companion, and no fault.
 */
function withCompanions(lines: readonly Line[], named: ReadonlySet<string>): readonly Line[] {
  const optional = lines.flatMap((line, index) => (line.kind === 'same' && line.optional ? [index] : []))
  const [first, last] = [optional[0], optional.at(-1)]
  if (first === undefined || last === undefined) return lines
  return lines.map((line, index) => {
    const between = index > first && index < last && isBetweenOptional(lines, index)
    const companion = line.kind === 'unexpected' && between && !named.has(line.type)
    return companion ? { kind: 'companion', type: line.type } : line
  })
}

/** True if the nearest expected events on both sides are optional ones. */
function isBetweenOptional(lines: readonly Line[], index: number): boolean {
  const before = lines.slice(0, index).findLast((line) => line.kind !== 'unexpected')
  const after = lines.slice(index + 1).find((line) => line.kind !== 'unexpected')
  return [before, after].every((line) => line?.kind === 'same' && line.optional)
}

/** Events that must not be emitted, and were. */
export function forbidden(never: readonly ForbiddenEvent[], emitted: readonly Emission[]): readonly Line[] {
  const isForbidden = (one: Emission): boolean =>
    never.some(({ type, match }) => type === one.type && mismatches(match, one.body).length === 0)
  return emitted.filter(isForbidden).map(({ type }) => ({ kind: 'never', type }))
}

function absenceCost(event: ExpectedEvent): number {
  return event.optional ? COST.skipped : COST.missing
}

type Costs = readonly (readonly number[])[]

function costAt(table: Costs, i: number, j: number): number {
  return table[i]?.[j] ?? Number.POSITIVE_INFINITY
}

function zeros(length: number): number[] {
  return Array.from({ length }, () => 0)
}

/** Cost of the cheapest comparison of the rest, from each pair of places: filled from the ends. */
function costs(expected: readonly ExpectedEvent[], emitted: readonly Emission[]): Costs {
  const table = Array.from({ length: expected.length + 1 }, () => zeros(emitted.length + 1))
  for (let i = expected.length; i >= 0; i -= 1) {
    for (let j = emitted.length; j >= 0; j -= 1) {
      const row = table[i]
      if (row !== undefined) row[j] = cheapest(expected, emitted, table, [i, j])
    }
  }
  return table
}

function cheapest(
  expected: readonly ExpectedEvent[],
  emitted: readonly Emission[],
  table: Costs,
  [i, j]: readonly [number, number],
): number {
  const [wanted, found] = [expected[i], emitted[j]]
  if (wanted === undefined && found === undefined) return 0
  const options: number[] = []
  if (wanted !== undefined) options.push(absenceCost(wanted) + costAt(table, i + 1, j))
  if (found !== undefined) options.push(COST.unexpected + costAt(table, i, j + 1))
  if (wanted !== undefined && found !== undefined && wanted.type === found.type) {
    const faults = mismatches(wanted.match, found.body).length
    options.push(faults * COST.mismatch + costAt(table, i + 1, j + 1))
  }
  return Math.min(...options)
}
