/**
 * What an application makes of the provider's statuses: leeway, grace, plans and their features, limits. Plain data, so
 * that it can be kept in a file, shown, and changed without a release. {@link parsePolicy} checks it at the door.
 */
import { parseCurrency } from './currency.ts'
import type { Currency } from './currency.ts'
import { parseDuration } from './duration.ts'
import { BillhookError } from './error.ts'
import { DAY_MS } from './instant.ts'
import { isObject } from './json.ts'
import type { JsonObject } from './json.ts'
import type { Money } from './money.ts'
import { SUBSCRIPTION_STATUSES } from './status.ts'
import type { SubscriptionStatus } from './status.ts'

/** How much of the product may be used. */
export type AccessLevel = 'full' | 'limited' | 'none'

/** The rules for every plan and source, which one of them may override. */
export interface PolicyRules {
  /** How long past the paid-through access stays although no payment was seen. Milliseconds. */
  readonly leewayMs: number
  /** The same at the end of a trial. Milliseconds. */
  readonly trialLeewayMs: number
  /** How long after the first failed payment access stays; null: the provider's retry window. Milliseconds. */
  readonly graceMs: number | null
  /** How long after the due date of an invoice that is paid by hand access stays. Milliseconds. */
  readonly overdueGraceMs: number
  /** How long the last known answer holds when the provider sends a status that is not known. Milliseconds. */
  readonly unknownMs: number
  /** True: a subscription that the customer has authorized is served before it starts. */
  readonly authorizedAsTrial: boolean
  /** A paused service: blocked at once, served to the end of what is paid, or served. */
  readonly paused: 'block' | 'until_paid_through' | 'grant'
  /** True: a plan that the provider assigns without a subscription (a free plan) is served. */
  readonly assignedPlanGrants: boolean
  /** The level while a subscription is in this status and within its time. */
  readonly levels: Readonly<Record<SubscriptionStatus, AccessLevel>>
}

/** What a source or plan overrides; levels status by status. */
type PolicyOverrides = Partial<Omit<PolicyRules, 'levels'>> & {
  readonly levels?: Partial<PolicyRules['levels']>
}

/** How much of a meter a plan includes. */
export interface LimitPolicy {
  readonly meter: string
  /** Units per cycle, decimal text. */
  readonly included: string
  /** Percent of the included units at which `usage_threshold_reached` is told, rising. */
  readonly thresholds: readonly number[]
  /** The price of one unit beyond; null: units only. */
  readonly unitPrice: Money | null
  /** The level once the included units are used up: of `feature`, or of everything if that is null. */
  readonly beyond: AccessLevel
  readonly feature: string | null
}

/** What a plan gives. Named by the provider's plan id, or by its product. */
interface PlanPolicy {
  readonly features: readonly string[]
  readonly limits: readonly LimitPolicy[]
  readonly rules: PolicyOverrides
}

/** The whole policy. The most specific word counts: plan, then source, then default. */
export interface Policy {
  readonly rules: PolicyRules
  readonly sources: Readonly<Record<string, PolicyOverrides>>
  readonly plans: Readonly<Record<string, PlanPolicy>>
}

/** The rules that hold where a policy says nothing. */
const DEFAULT_RULES: PolicyRules = {
  leewayMs: DAY_MS,
  trialLeewayMs: 0,
  graceMs: null,
  overdueGraceMs: DAY_MS,
  unknownMs: DAY_MS,
  authorizedAsTrial: false,
  paused: 'block',
  assignedPlanGrants: false,
  levels: {
    pending: 'none',
    incomplete: 'none',
    authorized: 'full',
    trialing: 'full',
    active: 'full',
    past_due: 'full',
    unpaid: 'none',
    paused: 'full',
    canceled: 'full',
    completed: 'full',
    expired: 'none',
    unknown: 'full',
  },
}

/** The policy of an application that has written none. */
export const DEFAULT_POLICY: Policy = { rules: DEFAULT_RULES, sources: {}, plans: {} }

/** The policy of one plan: by its id, else by its product; null if the policy does not name it. */
export function planPolicyOf(policy: Policy, plan: { readonly id: string; readonly product: string | null } | null) {
  if (plan === null) return null
  const named = Object.hasOwn(policy.plans, plan.id) ? policy.plans[plan.id] : undefined
  if (named !== undefined) return named
  if (plan.product === null || !Object.hasOwn(policy.plans, plan.product)) return null
  return policy.plans[plan.product] ?? null
}

/** The rules for one plan of one source. */
export function rulesOf(
  policy: Policy,
  source: string,
  plan: { readonly id: string; readonly product: string | null } | null,
): PolicyRules {
  const bySource = Object.hasOwn(policy.sources, source) ? policy.sources[source] : undefined
  return overlay(overlay(policy.rules, bySource), planPolicyOf(policy, plan)?.rules)
}

function overlay(rules: PolicyRules, over: PolicyOverrides | undefined): PolicyRules {
  if (over === undefined) return rules
  return { ...rules, ...over, levels: { ...rules.levels, ...over.levels } }
}

/**
 * Reads a policy from JSON data:
 *
 * ```json
 * { "default": { "leeway": "P1D", "grace": "P7D", "levels": { "past_due": "limited" } },
 *   "sources": { "main": { "leeway": "P2D" } },
 *   "plans": { "pro": { "features": ["export"], "grace": "P14D",
 *     "limits": [{ "meter": "calls", "included": "1000", "thresholds": [80, 100],
 *                  "unitPrice": { "minor": "2", "currency": "EUR" } }] } } }
 * ```
 *
 * Durations are ISO 8601. A member that is left out keeps its default.
 *
 * @throws BillhookError `invalid_request`, naming the member
 */
export function parsePolicy(json: unknown): Policy {
  const root = objectAt(json, 'policy')
  onlyMembers(root, ['default', 'sources', 'plans'], 'policy')
  const base = root['default'] === undefined ? {} : readRules(objectAt(root['default'], 'default'), 'default', [])
  return {
    rules: overlay(DEFAULT_RULES, base),
    sources: mapMembers(root['sources'], 'sources', (member, path) => readRules(member, path, [])),
    plans: mapMembers(root['plans'], 'plans', readPlan),
  }
}

function readPlan(member: JsonObject, path: string): PlanPolicy {
  const limits = member['limits']
  if (limits !== undefined && !Array.isArray(limits)) wrong(`${path}.limits`, limits, 'is not a list')
  return {
    features: member['features'] === undefined ? [] : textsAt(member['features'], `${path}.features`),
    limits: (Array.isArray(limits) ? limits : []).map((limit: unknown, index) =>
      readLimit(objectAt(limit, `${path}.limits[${index}]`), `${path}.limits[${index}]`),
    ),
    rules: readRules(member, path, ['features', 'limits']),
  }
}

const QUANTITY = /^\d{1,18}(\.\d{1,9})?$/

function readLimit(limit: JsonObject, path: string): LimitPolicy {
  onlyMembers(limit, ['meter', 'included', 'thresholds', 'unitPrice', 'beyond', 'feature'], path)
  const { meter, included, thresholds = [100], unitPrice = null, beyond = 'full', feature = null } = limit
  if (typeof meter !== 'string' || meter === '') wrong(`${path}.meter`, meter, 'is not a name')
  const text = typeof included === 'number' ? String(included) : included
  if (typeof text !== 'string' || !QUANTITY.test(text)) {
    wrong(`${path}.included`, included, 'is not a quantity; write for example "1000"')
  }
  if (feature !== null && typeof feature !== 'string') wrong(`${path}.feature`, feature, 'is not a name')
  return {
    meter,
    included: text,
    thresholds: readThresholds(thresholds, `${path}.thresholds`),
    unitPrice: unitPrice === null ? null : readMoney(unitPrice, `${path}.unitPrice`),
    beyond: levelAt(beyond, `${path}.beyond`),
    feature,
  }
}

function readThresholds(value: unknown, path: string): readonly number[] {
  if (!Array.isArray(value)) wrong(path, value, 'is not a list of percents')
  const percents = value.map((item: unknown, index) =>
    typeof item === 'number' && item > 0 && item <= 1000
      ? item
      : wrong(`${path}[${index}]`, item, 'is not a percent from 1 to 1000'),
  )
  return [...new Set(percents)].sort((a, b) => a - b)
}

function readMoney(value: unknown, path: string): Money {
  const { minor, currency } = objectAt(value, path)
  const digits = typeof minor === 'number' ? String(minor) : minor
  if (typeof digits !== 'string' || !/^\d{1,15}$/.test(digits)) {
    wrong(`${path}.minor`, minor, 'is not a whole number of minor units')
  }
  return { minor: BigInt(digits), currency: currencyAt(currency, `${path}.currency`) }
}

function currencyAt(value: unknown, path: string): Currency {
  return parseCurrency(value) ?? wrong(path, value, 'is not a currency; write for example "EUR"')
}

const RULE_MEMBERS = [
  'leeway',
  'trialLeeway',
  'grace',
  'overdueGrace',
  'unknown',
  'authorizedAsTrial',
  'assignedPlanGrants',
  'paused',
  'levels',
]

function readRules(member: JsonObject, path: string, others: readonly string[]): PolicyOverrides {
  onlyMembers(member, [...RULE_MEMBERS, ...others], path)
  const read = <T>(name: string, as: (value: unknown, path: string) => T, use: (value: T) => PolicyOverrides) =>
    member[name] === undefined ? {} : use(as(member[name], `${path}.${name}`))
  return {
    ...read('leeway', durationAt, (leewayMs) => ({ leewayMs })),
    ...read('trialLeeway', durationAt, (trialLeewayMs) => ({ trialLeewayMs })),
    ...read('grace', durationOrNullAt, (graceMs) => ({ graceMs })),
    ...read('overdueGrace', durationAt, (overdueGraceMs) => ({ overdueGraceMs })),
    ...read('unknown', durationAt, (unknownMs) => ({ unknownMs })),
    ...read('authorizedAsTrial', switchAt, (authorizedAsTrial) => ({ authorizedAsTrial })),
    ...read('assignedPlanGrants', switchAt, (assignedPlanGrants) => ({ assignedPlanGrants })),
    ...read('paused', pausedAt, (paused) => ({ paused })),
    ...read('levels', readLevels, (levels) => ({ levels })),
  }
}

function durationAt(value: unknown, path: string): number {
  return parseDuration(value) ?? wrong(path, value, 'is not a duration; write for example "P1D"')
}

function durationOrNullAt(value: unknown, path: string): number | null {
  return value === null ? null : durationAt(value, path)
}

function switchAt(value: unknown, path: string): boolean {
  return typeof value === 'boolean' ? value : wrong(path, value, 'is not true or false')
}

function pausedAt(value: unknown, path: string): PolicyRules['paused'] {
  if (value === 'block' || value === 'until_paid_through' || value === 'grant') return value
  return wrong(path, value, 'is not one of block, until_paid_through, grant')
}

function readLevels(value: unknown, path: string): Partial<PolicyRules['levels']> {
  const levels = objectAt(value, path)
  onlyMembers(levels, Object.keys(SUBSCRIPTION_STATUSES), path)
  const read = Object.entries(levels).map(([status, level]) => [status, levelAt(level, `${path}.${status}`)] as const)
  return Object.fromEntries(read)
}

function levelAt(value: unknown, path: string): AccessLevel {
  if (value === 'full' || value === 'limited' || value === 'none') return value
  return wrong(path, value, 'is not one of full, limited, none')
}

function textsAt(value: unknown, path: string): readonly string[] {
  if (!Array.isArray(value)) wrong(path, value, 'is not a list of names')
  return value.map((item: unknown, index) =>
    typeof item === 'string' && item !== '' ? item : wrong(`${path}[${index}]`, item, 'is not a name'),
  )
}

function objectAt(value: unknown, path: string): JsonObject {
  return isObject(value) ? value : wrong(path, value, 'is not an object')
}

function mapMembers<T>(
  value: unknown,
  path: string,
  read: (member: JsonObject, path: string) => T,
): Readonly<Record<string, T>> {
  if (value === undefined) return {}
  return Object.fromEntries(
    Object.entries(objectAt(value, path)).map(([name, member]) => {
      const at = `${path}.${name}`
      return [name, read(objectAt(member, at), at)]
    }),
  )
}

function onlyMembers(value: JsonObject, known: readonly string[], path: string): void {
  const stranger = Object.keys(value).find((name) => !known.includes(name))
  if (stranger !== undefined)
    wrong(`${path}.${stranger}`, value[stranger], `is not known; the known ones are ${known.join(', ')}`)
}

function wrong(path: string, value: unknown, what: string): never {
  throw new BillhookError('invalid_request', `policy: ${path} = ${JSON.stringify(value)} ${what}`, {
    details: { field: path },
  })
}
