/** Schemas of what the API takes and answers: requests are checked by them and the OpenAPI document is made of them. */
import { z } from 'zod'
import { parseDuration } from '../model/duration.ts'
import { FACT_KINDS } from '../model/facts.ts'
import type { FactKind } from '../model/facts.ts'
import { parseInstant } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'

/** An instant that a caller wrote. */
export const instantText = z
  .string()
  .max(40)
  .transform((text, context): Instant => {
    const at = parseInstant(text)
    if (at !== null) return at
    context.addIssue({ code: 'custom', message: 'must be an ISO 8601 instant such as 2026-01-31T00:00:00Z' })
    return z.NEVER
  })

/** A length of time that a caller wrote; milliseconds inside. */
export const durationText = z
  .string()
  .max(40)
  .transform((text, context): number => {
    const ms = parseDuration(text)
    if (ms !== null) return ms
    context.addIssue({ code: 'custom', message: 'must be an ISO 8601 duration such as PT5M or P1D' })
    return z.NEVER
  })

const kinds = Object.keys(FACT_KINDS)

/** The kind of a fact. */
export const factKind = z
  .enum(kinds)
  .transform((text): FactKind => kindOf(text))
  .describe('One of docs/facts.md.')

function kindOf(text: string): FactKind {
  const kind = Object.entries(FACT_KINDS).find(([name]) => name === text)
  if (kind === undefined || !isKind(kind[0])) throw new TypeError(`${text} is no kind of fact`)
  return kind[0]
}

function isKind(text: string): text is FactKind {
  return Object.hasOwn(FACT_KINDS, text)
}

/** Texts that name something of the app or of a provider. */
export const idText = z.string().min(1).max(500)
/** The name of a source. */
export const sourceName = z.string().min(1).max(64)

/** An instant in an answer. */
const when = z.iso.datetime()
const whenOrNull = when.nullable()

const reason = z.object({
  fact: z.string().nullable(),
  key: z.string().nullable(),
  at: whenOrNull,
  source: z.string().nullable(),
  subscription: z.string().nullable(),
  words: z.string(),
})

const level = z.enum(['full', 'limited', 'none'])

const planRef = z
  .object({ id: z.string(), name: z.string().nullable(), group: z.string().nullable(), product: z.string().nullable() })
  .nullable()

const standing = z.object({
  source: z.string(),
  customer: z.string().nullable(),
  subscription: z.string().nullable(),
  status: z.string(),
  plan: planRef,
  allowed: z.boolean(),
  level,
  features: z.array(z.string()),
  until: whenOrNull,
  paidThrough: whenOrNull,
  why: z.array(reason),
  sure: z.boolean(),
})

/** Who may use what, and why. */
export const accessAnswer = z.object({
  allowed: z.boolean(),
  level,
  features: z.array(z.string()),
  until: whenOrNull.describe('When this answer turns false if nothing more happens, leeway and grace included.'),
  paidThrough: whenOrNull.describe('The end of what is proved to be paid (or of the trial), without leeway or grace.'),
  why: z.array(reason),
  sure: z.boolean().describe('False while what was received allows more than one reading.'),
  plan: z.string().nullable(),
  at: when,
  subscriptions: z.array(standing),
})

const money = z.object({ minor: z.string().describe('Whole minor units.'), currency: z.string() })
const period = z.object({ from: when, until: when })

/** How much of a meter is used. */
export const usageAnswer = z.object({
  source: z.string(),
  customer: z.string().nullable(),
  subscription: z.string().nullable(),
  meter: z.string(),
  period: period.nullable(),
  quantity: z.string(),
  included: z.string().nullable(),
  overage: z.string().nullable(),
  overageAmount: money.nullable(),
  percent: z.number().nullable(),
})

/** A source, without the texts of its secrets. */
export const source = z.object({
  name: z.string(),
  dialect: z.string(),
  url: z.string().describe('The URL to enter at the provider.'),
  secrets: z.array(z.object({ id: z.string(), from: whenOrNull, until: whenOrNull })),
  settings: z.object({
    tolerance: z.string().nullable(),
    jwksUrl: z.string().nullable(),
    settle: z.string(),
    autoLink: z.boolean(),
  }),
  api: z
    .object({ url: z.string().nullable() })
    .nullable()
    .describe('Where objects are looked up at the provider; null: nowhere. The key is not shown.'),
  createdAt: when,
})

/** A delivery, without its bytes. */
export const delivery = z.object({
  id: z.string(),
  source: z.string(),
  receivedAt: when,
  size: z.number(),
  sha256: z.string(),
  verdict: z.string().describe('`ok`, or one of docs/verdicts.md.'),
  detail: z.string().nullable(),
  dedupe: z.string().nullable(),
  eventId: z.string().nullable(),
  eventType: z.string().nullable(),
  sentAt: whenOrNull,
  state: z.enum(['received', 'refused', 'folded', 'reacted', 'dead']),
  reason: z.string().nullable(),
  foldedAt: whenOrNull,
  reactedAt: whenOrNull,
  deadAt: whenOrNull,
})

/** A fact that was derived. */
export const fact = z.object({
  source: z.string(),
  key: z.string(),
  kind: z.string(),
  at: when,
  customer: z.string().nullable(),
  subscription: z.string().nullable(),
  subject: z.string(),
  detail: z.record(z.string(), z.unknown()),
  sure: z.boolean(),
  evidence: z.array(z.string()).describe('Ids of the events that it was derived from.'),
  delivery: z.string().nullable(),
  toldAt: when,
  retractedAt: whenOrNull,
})

/** An object as the ledger knows it. */
export const ledgerObject = z.object({
  source: z.string(),
  kind: z.string(),
  id: z.string(),
  value: z.record(z.string(), z.unknown()),
  sure: z.boolean(),
  stamp: whenOrNull,
})

/** A link between a user and a customer. */
export const link = z.object({
  user: z.string(),
  source: z.string(),
  customer: z.string(),
  origin: z.enum(['app', 'provider']),
  createdAt: when,
})

/** A hold. */
export const hold = z.object({
  id: z.string(),
  kind: z.enum(['grant', 'block']),
  reason: z.string(),
  from: whenOrNull,
  until: whenOrNull,
  features: z.array(z.string()),
  level,
})

/** A version of the access policy. */
export const policyVersion = z.object({
  version: z.number(),
  policy: z.record(z.string(), z.unknown()),
  createdAt: whenOrNull,
})

/** A handler call. */
export const reaction = z.object({
  id: z.string(),
  source: z.string(),
  subject: z.string(),
  factKey: z.string(),
  kind: z.string(),
  delivery: z.string().nullable(),
  state: z.enum(['waiting', 'done', 'dropped', 'dead']),
  dueAt: when,
  attempts: z.number(),
  done: z.array(z.string()),
  error: z.string().nullable(),
  createdAt: when,
  finishedAt: whenOrNull,
})

/** An API key, without its text. */
export const apiKey = z.object({
  id: z.string(),
  name: z.string(),
  scope: z.enum(['read', 'write', 'admin']),
  createdAt: when,
  revokedAt: whenOrNull,
})
