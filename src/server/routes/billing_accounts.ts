/** Accounts of the billing system, their clocks, keys and logs. */
import { z } from 'zod'
import type { SendingService } from '../../app/sending/sending_service.ts'
import { isRecord } from '../../model/facts.ts'
import { BillhookError } from '../../model/error.ts'
import { isObject } from '../../model/json.ts'
import type { Json } from '../../model/json.ts'
import type { Account } from '../../ports/billing_store.ts'
import { SCOPES } from '../../ports/api_store.ts'
import { accountOut, clockOut, toldOut } from '../billing_answers.ts'
import { ACCOUNT_PATH } from './billing_command_route.ts'
import { camel, snake } from '../billing_names.ts'
import { accountIn, inAccount, nameText } from '../billing_schemas.ts'
import { noBody, nothing, pageOf, paging, readCursor, route, writeCursor } from '../route.ts'
import type { Route } from '../route.ts'
import { instantText } from '../schemas.ts'

const TAG = 'Accounts'

const dialect = z
  .string()
  .max(100)
  .describe('A dialect’s id (see /v1/dialects), or a provider with one of its API versions.')
const ownerEmail = z.email().max(320).nullable().describe('Who is mailed when an endpoint fails.')
const profile = z.record(z.string(), z.json()).describe('Settings that differ from the provider’s billing profile.')
const switches = z.record(z.string().max(100), z.string().max(200))

/** Accounts: make, list, read, change. */
export function accountRoutes(service: SendingService): readonly Route[] {
  const { billing } = service
  return [
    route({
      method: 'POST',
      path: '/v1/accounts',
      id: 'createAccount',
      summary: 'Create an account: one seller with its own catalogue, customers, endpoints and clock',
      tag: TAG,
      scope: 'admin',
      params: nothing,
      query: nothing,
      body: z.strictObject({
        id: accountIn.nullable().default(null).describe('Null: one is generated.'),
        name: nameText,
        dialect,
        livemode: z.boolean().default(false),
        clock: z
          .strictObject({ name: nameText.nullable().default(null), now: instantText })
          .nullable()
          .default(null)
          .describe('Where its test clock starts; null: the real clock.'),
        seed: z.string().min(1).max(200).optional().describe('The same seed and commands give the same bytes.'),
        profile: profile.optional(),
        switches: switches.optional(),
        owner_email: ownerEmail.default(null),
      }),
      status: 201,
      answer: accountOut,
      errors: ['unknown_dialect', 'conflict'],
      handle: async ({ body, caller }) => {
        service.requireAccount(caller, service.operatorAccount)
        return { json: show(await service.createAccount(camel(body))) }
      },
    }),
    route({
      method: 'GET',
      path: '/v1/accounts',
      id: 'listAccounts',
      summary: 'List the accounts that this key may manage',
      tag: TAG,
      scope: 'read',
      params: nothing,
      query: z.strictObject(paging),
      body: noBody,
      answer: pageOf(accountOut),
      errors: ['invalid_cursor'],
      handle: async ({ query, caller }) => {
        const all = await billing.store.accounts()
        const own = all.filter(({ id }) => caller.account === service.operatorAccount || caller.account === id)
        const from = placeAfter(own, readCursor(nameText, query.cursor))
        const page = own.slice(from, from + query.limit)
        const last = own.length > from + query.limit ? page.at(-1) : undefined
        return { json: { data: page.map(show), next: last === undefined ? null : writeCursor(last.id) } }
      },
    }),
    route({
      method: 'GET',
      path: ACCOUNT_PATH,
      id: 'getAccount',
      summary: 'Read an account',
      tag: TAG,
      scope: 'read',
      params: inAccount,
      query: nothing,
      body: noBody,
      answer: accountOut,
      errors: ['not_found'],
      handle: async ({ params, caller }) => {
        service.requireAccount(caller, params.account)
        return { json: show(await billing.account(params.account)) }
      },
    }),
    route({
      method: 'PATCH',
      path: ACCOUNT_PATH,
      id: 'updateAccount',
      summary: 'Change an account',
      tag: TAG,
      scope: 'admin',
      params: inAccount,
      query: nothing,
      body: z.strictObject({
        name: nameText.optional(),
        dialect: dialect.optional(),
        profile: profile.optional(),
        switches: switches.optional(),
        owner_email: ownerEmail.optional(),
      }),
      answer: accountOut,
      errors: ['not_found', 'unknown_dialect'],
      handle: async ({ params, body, caller }) => {
        service.requireAccount(caller, params.account)
        return { json: show(await service.changeAccount(params.account, camel(body))) }
      },
    }),
    route({
      method: 'POST',
      path: `${ACCOUNT_PATH}/keys`,
      id: 'createAccountKey',
      summary: 'Create an API key of an account; its text is shown once',
      tag: TAG,
      scope: 'admin',
      params: inAccount,
      query: nothing,
      body: z.strictObject({ name: nameText, scope: z.enum(SCOPES) }),
      status: 201,
      answer: z.strictObject({ id: z.string(), name: z.string(), scope: z.enum(SCOPES), key: z.string() }),
      errors: ['not_found'],
      handle: async ({ params, body, caller }) => {
        service.requireAccount(caller, params.account)
        await billing.account(params.account)
        const { key, text } = await service.keys.create({ account: params.account, ...body })
        return { json: { id: key.id, name: key.name, scope: key.scope, key: text } }
      },
    }),
  ]
}

/** Test clocks: what time it is, what happens next, and moving on. */
export function clockRoutes(service: SendingService): readonly Route[] {
  const tag = 'Clocks'
  return [
    route({
      method: 'GET',
      path: `${ACCOUNT_PATH}/clock`,
      id: 'getClock',
      summary: 'The time in an account, and what happens next if nobody intervenes',
      tag,
      scope: 'read',
      params: inAccount,
      query: nothing,
      body: noBody,
      answer: clockOut,
      errors: ['not_found'],
      handle: async ({ params, caller }) => {
        service.requireAccount(caller, params.account)
        return { json: await showClock(service, await service.billing.account(params.account)) }
      },
    }),
    route({
      method: 'POST',
      path: `${ACCOUNT_PATH}/clock/advance`,
      id: 'advanceClock',
      summary: 'Advance a test clock; answers once everything that follows has settled',
      tag,
      scope: 'write',
      params: inAccount,
      query: nothing,
      body: z
        .strictObject({
          to: instantText
            .optional()
            .describe(
              'An instant that is not in the clock’s past; with its current time, only what is due now is done.',
            ),
          next: z.literal(true).optional().describe('Advances to the next thing that is due.'),
        })
        .refine(({ to, next }) => (to === undefined) !== (next === undefined), 'needs either to or next')
        .describe('`{"to": "2026-02-01T00:00:00Z"}` or `{"next": true}`.'),
      answer: clockOut,
      errors: ['not_found', 'clock_backwards'],
      handle: async ({ params, body, caller }) => {
        service.requireAccount(caller, params.account)
        const account = await service.advance(params.account, body.to ?? 'next')
        return { json: await showClock(service, account) }
      },
    }),
  ]
}

/** The log of what the engine told, and the callback of the payment service. */
export function billingLogRoutes(service: SendingService): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: `${ACCOUNT_PATH}/facts`,
      id: 'listBillingFacts',
      summary: 'The log of facts and records, oldest first',
      tag: 'Log',
      scope: 'read',
      params: inAccount,
      query: z.strictObject(paging),
      body: noBody,
      answer: pageOf(toldOut),
      errors: ['invalid_cursor'],
      handle: async ({ params, query, caller }) => {
        service.requireAccount(caller, params.account)
        await service.billing.account(params.account)
        const after = readCursor(z.int(), query.cursor) ?? 0
        const facts = await service.billing.store.facts(params.account, after, query.limit)
        const last = facts.length < query.limit ? undefined : facts.at(-1)
        const data = facts.map(({ seq, id, told }) => ({
          seq,
          id,
          ...snakeObject({ ...told, detail: null }),
          detail: isRecord(told) ? null : snake(told.detail),
        }))
        return { json: { data, next: last === undefined ? null : writeCursor(last.seq) } }
      },
    }),
    route({
      method: 'POST',
      path: '/v1/payments/callback',
      id: 'paymentCallback',
      summary: 'A late answer from the payment service, signed according to Standard Webhooks; needs no API key',
      tag: 'Payments',
      scope: null,
      params: nothing,
      query: nothing,
      body: z.looseObject({
        type: z.enum(['charge', 'refund']).default('charge'),
        account: accountIn,
        idempotency_key: z.string().min(1).max(255),
        outcome: z.string().max(50),
      }),
      answer: z.strictObject({ received: z.literal(true) }),
      errors: ['invalid_request', 'unauthorized', 'not_found'],
      handle: async ({ request }) => {
        const { headers, bytes } = request
        await service.callback.take({ headers, bytes })
        return { json: { received: true } }
      },
    }),
  ]
}

/** Without the seed: whoever knows it can guess ids. */
function show({ seed: _seed, ...account }: Account): Json {
  return snake(account)
}

async function showClock(service: SendingService, account: Account): Promise<Json> {
  const { clock } = account
  const next = snake(await service.forecast(account))
  const now = service.billing.now(account)
  if (clock === null) return { ...snakeObject({ id: null, name: null, now, target: null }), status: 'real', next }
  const status = clock.target === null ? 'ready' : 'advancing'
  return { ...snakeObject(clock), status, next }
}

function snakeObject(value: object): Readonly<Record<string, Json>> {
  const shown = snake(value)
  if (!isObject(shown)) throw new BillhookError('internal_invariant', 'an object is shown as something else')
  return shown
}

/** Where the page after the account `id` begins. @throws BillhookError `invalid_cursor` if there is no such account */
function placeAfter(accounts: readonly Account[], id: string | undefined): number {
  if (id === undefined) return 0
  const place = accounts.findIndex((account) => account.id === id)
  if (place !== -1) return place + 1
  throw new BillhookError('invalid_cursor', 'the cursor does not belong to this list; start again without one')
}
