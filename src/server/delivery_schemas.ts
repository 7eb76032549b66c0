/** Schemas of the routes about endpoints, events and deliveries. */
import { z } from 'zod'
import { idText, metadataIn } from './billing_schemas.ts'

const text = z.string()
const textOrNull = z.string().nullable()
const count = z.number()
const when = z.iso.datetime()
const whenOrNull = when.nullable()
const ms = z
  .int()
  .min(0)
  .max(10 * 365 * 86_400_000)

/** Types of events that are asked for. */
const eventTypesIn = z
  .array(z.string().min(1).max(255))
  .min(1)
  .max(500)
  .describe('Exact types, `prefix.*`, or `*` for all.')

/** An event type, or a prefix of types. */
export const eventTypeIn = idText.describe('An exact type, or `prefix.*`.')

/** State of a delivery. */
export const stateIn = z.enum(['pending', 'delivered', 'exhausted', 'skipped', 'held'])

/** How deliveries are retried: all of it, in place of the dialect’s own policy. */
const retryIn = z.strictObject({
  id: z.string().min(1).max(100).default('own'),
  offsets_ms: z
    .array(ms)
    .max(200)
    .describe('When the attempts after the first are made, counted from the first attempt.'),
  give_up_after_ms: ms,
  jitter: z.number().min(0).max(1).default(0),
  acknowledged: z.union([z.literal('2xx'), z.array(z.int().min(100).max(599)).min(1).max(100)]).default('2xx'),
  timeout_ms: z.int().min(1).max(120_000),
  honors_retry_after: z.boolean().default(true),
  gone_disables: z.boolean().default(true),
  disable_after_ms: ms.nullable().default(null),
  warn_after_ms: ms.nullable().default(null),
  fresh_signature: z.boolean().default(true),
  source: z.string().max(500).default('set for this endpoint'),
})

const changeable = {
  url: z.url().max(2000),
  event_types: eventTypesIn,
  description: z.string().max(1000).nullable(),
  headers: z
    .record(z.string().max(100), z.string().max(4096))
    .refine((headers) => Object.keys(headers).length <= 20, 'must have at most 20 entries'),
  retry: retryIn.nullable().describe('Null: the dialect’s own.'),
  timeout_ms: z.int().min(1).max(120_000).nullable(),
  in_flight_max: z.int().min(1).max(256).describe('How many requests may be in flight at once.'),
  ordered: z.boolean().describe('Events of one subject are delivered one after another.'),
  payload_filter: z
    .array(
      z.strictObject({
        path: z.string().min(1).max(255).describe('For example `data.object.currency`.'),
        equals: z
          .array(z.union([z.string(), z.number(), z.boolean(), z.null()]))
          .min(1)
          .max(100),
      }),
    )
    .max(20)
    .describe('All conditions must hold.'),
  metadata: metadataIn,
  owner_mail: z.email().max(320).nullable().describe('Who is mailed when it fails; null: the account’s owner.'),
  connected: z.boolean().describe('True for the endpoint of a connected third-party application.'),
}

/** What may change later. Dialect and version are pinned. */
export const endpointChangeIn = z.strictObject(changeable).partial()

/** A new endpoint. */
export const endpointIn = z.strictObject({
  id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must have 1 to 64 letters, digits, _ or -')
    .nullable()
    .default(null),
  ...endpointChangeIn.shape,
  url: changeable.url,
  event_types: eventTypesIn.default(['*']),
  dialect: z.string().min(1).max(100).describe('The dialect and API version of its events.'),
  secret: z.string().min(1).max(500).nullable().default(null).describe('Null: one is generated.'),
})

const retryOut = z.strictObject({
  id: text,
  offsets_ms: z.array(count),
  give_up_after_ms: count,
  jitter: count,
  acknowledged: z.union([z.literal('2xx'), z.array(count)]),
  timeout_ms: count,
  honors_retry_after: z.boolean(),
  gone_disables: z.boolean(),
  disable_after_ms: count.nullable(),
  warn_after_ms: count.nullable(),
  fresh_signature: z.boolean(),
  source: text,
})

const endpointMembers = {
  id: text,
  url: text,
  dialect: text,
  event_types: z.array(text),
  description: textOrNull,
  has_headers: z.boolean().describe('Custom headers are never shown: they may carry credentials.'),
  state: z.enum(['enabled', 'disabled', 'paused', 'pending_verification']),
  disabled_reason: z.enum(['manual', 'failing', 'gone', 'verification_failed']).nullable(),
  secrets: z
    .array(z.strictObject({ from: when, until: whenOrNull }))
    .describe('Newest first; `until`: how long an older one stays in use after a rotation.'),
  retry: retryOut.nullable(),
  timeout_ms: count.nullable(),
  in_flight_max: count,
  ordered: z.boolean(),
  payload_filter: z.array(z.strictObject({ path: text, equals: z.array(z.unknown()) })),
  metadata: z.record(z.string(), z.string()),
  owner_mail: textOrNull,
  connected: z.boolean(),
  health: z.strictObject({
    failing_since: whenOrNull,
    last_success_at: whenOrNull,
    last_failure_at: whenOrNull,
    warned_at: whenOrNull,
  }),
  created_at: when,
  updated_at: when,
  revision: count,
}

/** An endpoint, without its secret. */
export const endpointOut = z.strictObject(endpointMembers)

/** An endpoint with its secret. */
export const endpointWithSecretOut = z.strictObject({
  ...endpointMembers,
  secret: textOrNull.describe('Shown once, in this answer; null for dialects that sign with the account’s key pair.'),
})

const attemptOut = z.strictObject({
  at: when,
  url: text,
  request: z.record(z.string(), z.string()),
  bytes: count,
  status: count.nullable().describe('Null if there was no complete answer.'),
  problem: textOrNull.describe('Why the attempt failed; null if it was acknowledged.'),
  detail: textOrNull,
  response: z.record(z.string(), z.string()),
  body: textOrNull.describe('The first bytes of the answer.'),
  truncated: z.boolean(),
  connect_ms: count.nullable(),
  first_byte_ms: count.nullable(),
  total_ms: count,
  traceparent: textOrNull,
})

/** A delivery with its attempts. */
export const deliveryOut = z.strictObject({
  event: text,
  endpoint: text,
  type: text,
  dialect: text,
  provider_id: text,
  fact: textOrNull,
  subject: textOrNull,
  customer: textOrNull,
  created_at: when,
  state: stateIn,
  clock: z.enum(['real', 'test']),
  due_at: whenOrNull,
  under_way: z.boolean().describe('A node is working on it.'),
  made: count.describe('Attempts in this schedule; a replay starts a new one.'),
  first_at: whenOrNull,
  last_at: whenOrNull,
  last_status: count.nullable(),
  acknowledged_at: whenOrNull,
  settled_at: whenOrNull,
  attempts: z.array(attemptOut),
})

const eventMembers = {
  id: text,
  type: text,
  dialect: text,
  provider_id: text.describe('The id that receivers see.'),
  provider_account: textOrNull,
  fact: textOrNull,
  subject: textOrNull,
  customer: textOrNull,
  created_at: when,
}

/** An event. */
export const eventOut = z.strictObject(eventMembers)

/** An event with its body and deliveries. */
export const eventDetailOut = z.strictObject({
  ...eventMembers,
  body: z.unknown().describe('As it is sent; null for raw bytes.'),
  raw: textOrNull.describe('Base64 of bytes that are forwarded unchanged.'),
  content_type: textOrNull,
  deliveries: z.array(deliveryOut),
})

/** An event to be published. */
export const newEventIn = z.strictObject({
  type: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,254}$/, 'must be an event type such as order.paid'),
  data: z.record(z.string(), z.json()).describe('The data of a standard event; in another dialect, its whole body.'),
  dialect: z.string().max(100).default('standard'),
  id: idText.nullable().default(null).describe('The id that receivers see, in another dialect.'),
  key: z
    .string()
    .min(1)
    .max(200)
    .nullable()
    .default(null)
    .describe('The same key again gets the same answer and publishes nothing.'),
  customer: idText.nullable().default(null),
  subject: z
    .string()
    .min(1)
    .max(255)
    .nullable()
    .default(null)
    .describe('What the event is about; ordered endpoints keep the order of one subject.'),
  endpoint: z.string().min(1).max(64).nullable().default(null).describe('Sends it to this endpoint only.'),
})

/** An event type of a dialect. */
export const eventTypeOut = z.strictObject({
  type: text,
  label: textOrNull.describe('What the provider’s web application calls it.'),
  seed: z.boolean(),
  carries: z.array(text),
  meaning: text,
  source: text,
  sample: z
    .record(z.string(), z.unknown())
    .nullable()
    .describe('A body as it would be sent; null if there is no sample.'),
})

/** Why an event did, or did not, reach an endpoint. */
export const whyOut = z.strictObject({ endpoint: text, code: text, words: text })

/** A replay and its progress. */
export const replayOut = z.strictObject({
  id: text,
  filter: z.strictObject({
    endpoint: textOrNull,
    event: textOrNull,
    states: z.array(stateIn),
    type: textOrNull,
    customer: textOrNull,
    from: whenOrNull,
    until: whenOrNull,
  }),
  state: z.enum(['running', 'done', 'canceled']),
  replayed: count.describe('Deliveries scheduled so far.'),
  created_at: when,
  ended_at: whenOrNull,
})

/** A JSON Web Key Set. */
export const keySetOut = z.strictObject({ keys: z.array(z.record(z.string(), z.unknown())) })
