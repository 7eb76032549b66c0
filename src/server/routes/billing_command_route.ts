import type { z } from 'zod'
import type { SendingService, Answered, Call } from '../../app/sending/sending_service.ts'
import type { CatalogCommand, Command } from '../../model/commands.ts'
import type { ErrorCode } from '../../model/error.ts'
import { commandAnswer } from '../billing_answers.ts'
import type { ENTITY_ANSWERS } from '../billing_answers.ts'
import { camel, snake } from '../billing_names.ts'
import type { Camel } from '../billing_names.ts'
import { inAccount, inAccountWithId } from '../billing_schemas.ts'
import { nothing, route } from '../route.ts'
import type { Answer, Method, Route } from '../route.ts'

/** Everything of an account lies under this path. */
export const ACCOUNT_PATH = '/v1/accounts/:account'

/** A row of the table of commands: how a request becomes a command, and what its answer shows. */
export interface CommandRow<B extends z.ZodType> {
  readonly method: Extract<Method, 'POST' | 'PATCH' | 'DELETE'>
  /** After {@link ACCOUNT_PATH}; `:id` is the entity that the command is about. */
  readonly path: string
  readonly id: string
  readonly summary: string
  readonly tag: string
  readonly body: B
  readonly shows: keyof typeof ENTITY_ANSWERS
  /** What is checked of `body` with the model's names, and the id in the path (empty without one). */
  readonly command: (body: Camel<z.output<B>>, id: string) => CommandOf
  readonly errors?: readonly ErrorCode[]
}

/** A command of a customer, with the customer where the command itself names no entity; or one of the catalogue. */
type CommandOf = { readonly command: Command; readonly customer?: string | null } | { readonly catalog: CatalogCommand }

/** What every command may be refused with. */
const REFUSALS = [
  'not_found',
  'conflict',
  'idempotency_conflict',
  'invalid_transition',
  'invalid_money',
  'currency_mismatch',
] as const satisfies readonly ErrorCode[]

/** A row of the table for a service: kept as a function, so that rows of different bodies are one list. */
export type CommandRoute = (service: SendingService) => Route

/** The route of a row. New things are answered with 201. */
export function commandRoute<B extends z.ZodType>(row: CommandRow<B>): CommandRoute {
  const { method, id, summary, tag, body, shows, errors = [] } = row
  const named = row.path.includes(':id')
  const path = `${ACCOUNT_PATH}${row.path}`
  return (service) =>
    route({
      method,
      path,
      id,
      summary,
      tag,
      scope: 'write',
      params: named ? inAccountWithId : inAccount,
      query: nothing,
      body,
      status: method === 'POST' && !named ? 201 : 200,
      answer: commandAnswer(shows),
      errors: [...REFUSALS, ...errors],
      handle: async ({ params, body: given, caller, request }) => {
        service.requireAccount(caller, params.account)
        const about = 'id' in params && typeof params.id === 'string' ? params.id : ''
        const { idempotencyKey, bytes } = request
        // The path belongs to what was asked: the same empty body voids one invoice and sends another.
        const asked = Buffer.concat([Buffer.from(`${method} ${path} ${about}\n`), bytes])
        const call: Call = { account: params.account, idempotencyKey, bytes: asked }
        return show(await run(service, call, row.command(camel(given), about)), { kind: shows, id: about })
      },
    })
}

function run(service: SendingService, call: Call, what: CommandOf): Promise<Answered> {
  if ('catalog' in what) return service.catalogCommand(call, what.catalog)
  return service.command(call, what.command, what.customer ?? null)
}

/** @param gone what the command was about, if the engine names nothing any more */
function show({ executed, entity }: Answered, gone: { readonly kind: string; readonly id: string }): Answer {
  const { subject, customer, events } = executed
  return {
    json: {
      ...(subject ?? gone),
      customer: customer === '' ? null : customer,
      object: entity === null ? null : snake(entity.value),
      events: snake(events),
    },
  }
}
