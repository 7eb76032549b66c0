import { readFileSync } from 'node:fs'
import { parseDocument } from 'yaml'
import { z } from 'zod'
import { BillhookError, messageOf } from '../model/error.ts'
import { parseInstant } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { Json, JsonObject } from '../model/json.ts'

/** No story is longer; a file above this is a mistake. */
const MAX_FILE_BYTES = 1024 * 1024
const MAX_STEPS = 1000

const json: z.ZodType<Json> = z.lazy(() =>
  z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(json), z.record(z.string(), json)]),
)
const object = z.record(z.string(), json)
const time = z.string().transform((text, context): Instant => {
  const at = parseInstant(text)
  if (at !== null) return at
  context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} is not a point in time` })
  return z.NEVER
})

const action = z.strictObject({ op: z.string().min(1), with: object.default({}) })

/** One of something where a story could have a list of them. */
function listOf<T extends z.ZodType>(one: T) {
  return z.union([z.array(one), one.transform((value) => [value])])
}

const expectedEvent = z.strictObject({
  type: z.string().min(1),
  match: object.default({}),
  optional: z.boolean().default(false),
  evidence: z.string().optional(),
  note: z.string().optional(),
  why: z.string().optional(),
})

/** An event with what it must have in its body, or its type alone. */
const anyEvent = z.union([
  expectedEvent,
  z.string().transform((type): z.infer<typeof expectedEvent> => ({ type, match: {}, optional: false })),
])

/** An event that must not be emitted: any of a type, or one with this in its body. */
const never = z.union([
  z.string().transform((type) => ({ type, match: {} })),
  z.strictObject({
    type: z.string().min(1),
    match: object.default({}),
    evidence: z.string().optional(),
    note: z.string().optional(),
  }),
])

const access = z.strictObject({
  granted: z.boolean().optional(),
  unchanged: z.boolean().optional(),
  until: z.union([time, z.null()]).optional(),
  plan: z.string().optional(),
  level: z.string().optional(),
  features: z.array(z.string()).optional(),
  sure: z.boolean().optional(),
  why: z.string().optional(),
  note: z.string().optional(),
  customer: z.string().optional(),
})

const expectedDelivery = z.strictObject({
  attempts_at: z.array(z.string()).optional(),
  results: z.array(z.number()).optional(),
  retried: z.boolean().optional(),
  signed_with: z.string().optional(),
  same_header: z.string().optional(),
  note: z.string().optional(),
})

const step = z.strictObject({
  at: time,
  when: listOf(action).default([]),
  events: z.array(anyEvent).optional(),
  never: listOf(never).default([]),
  state: z.record(z.string(), z.union([object, z.array(object)])).optional(),
  access: access.optional(),
  deliveries: z.record(z.string(), expectedDelivery).optional(),
  note: z.string().optional(),
  why: z.string().optional(),
  title: z.string().optional(),
})

const scenario = z.strictObject({
  format: z.literal(0),
  id: z.string().min(1),
  title: z.string(),
  provider: z.string(),
  dialect: z.strictObject({ api_version: z.string() }).optional(),
  clock: z.strictObject({ start: time }),
  settings: object.default({}),
  given: z.array(z.record(z.string(), object)).default([]),
  steps: z.array(step).min(1).max(MAX_STEPS),
  never: listOf(never).default([]),
  guaranteed: z.array(z.tuple([z.string(), z.string()])).default([]),
  sources: z.array(z.string()).default([]),
  open: z.array(z.string()).default([]),
  description: z.string().optional(),
  note: z.string().optional(),
  notes: z.union([z.string(), z.array(z.string())]).optional(),
  tags: z.array(z.string()).optional(),
})

/** One story: see scenarios/FORMAT.md. */
export type Scenario = Readonly<z.infer<typeof scenario>>
/** One step of a story. */
export type Step = Scenario['steps'][number]
/** An event that must be emitted. */
export type ExpectedEvent = z.infer<typeof expectedEvent>
/** What the ledger must answer. */
export type ExpectedAccess = z.infer<typeof access>
/** An event that must not be emitted. */
export type ForbiddenEvent = z.infer<typeof never>
/** What must have become of a delivery. */
export type ExpectedDelivery = z.infer<typeof expectedDelivery>
/** Something that is done in a step. */
export type Action = { readonly op: string; readonly with: JsonObject }

/**
 * Reads a story from a file.
 *
 * @throws BillhookError `scenario_invalid`, naming the file and the line or the field
 */
export function readScenario(path: string): Scenario {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new BillhookError('scenario_invalid', `${path} cannot be read: ${messageOf(error)}`, { cause: error })
  }
  return parseScenario(text, path)
}

/**
 * Reads a story from YAML text.
 *
 * @param name what messages call it
 * @throws BillhookError `scenario_invalid`, naming the line or the field
 */
export function parseScenario(text: string, name: string): Scenario {
  if (text.length > MAX_FILE_BYTES)
    throw new BillhookError('scenario_invalid', `${name} is longer than ${MAX_FILE_BYTES} bytes`)
  const document = parseDocument(text, { strict: true, uniqueKeys: true })
  const [fault] = document.errors
  if (fault !== undefined) throw new BillhookError('scenario_invalid', `${name}: ${fault.message}`)
  let data: unknown
  try {
    data = document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    throw new BillhookError('scenario_invalid', `${name}: ${messageOf(error)}`, { cause: error })
  }
  const read = scenario.safeParse(data)
  if (!read.success) {
    const [issue] = read.error.issues
    throw new BillhookError(
      'scenario_invalid',
      `${name}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a story'}; see scenarios/FORMAT.md`,
    )
  }
  requireOrder(read.data, name)
  return read.data
}

function requireOrder(story: Scenario, name: string): void {
  let previous = story.clock.start
  for (const [index, { at }] of story.steps.entries()) {
    if (at < previous)
      throw new BillhookError('scenario_invalid', `${name}: steps.${index}.at lies before the step before it`)
    previous = at
  }
}
