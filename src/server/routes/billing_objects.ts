/** Reading the entities of the sending end: lists, one of them, and as any provider would show it. */
import { z } from 'zod'
import { RETRIEVABLE } from '../../app/sending/retrieve.ts'
import type { SendingService } from '../../app/sending/sending_service.ts'
import { BillhookError } from '../../model/error.ts'
import { ENTITY_ANSWERS } from '../billing_answers.ts'
import { ACCOUNT_PATH } from './billing_command_route.ts'
import { snake } from '../billing_names.ts'
import { accountIn, idText, inAccount, inAccountWithId } from '../billing_schemas.ts'
import { noBody, pageOf, paging, readCursor, route, writeCursor } from '../route.ts'
import type { Route } from '../route.ts'

/** Which kinds can be listed under which path; `one`: whether one can be read by its id. */
const LISTS = [
  { kind: 'customer', path: 'customers', tag: 'Customers', name: 'Customer', one: true },
  { kind: 'payment_method', path: 'payment_methods', tag: 'Customers', name: 'PaymentMethod', one: true },
  { kind: 'product', path: 'products', tag: 'Catalogue', name: 'Product', one: true },
  { kind: 'price', path: 'prices', tag: 'Catalogue', name: 'Price', one: true },
  { kind: 'meter', path: 'meters', tag: 'Catalogue', name: 'Meter', one: true },
  { kind: 'subscription', path: 'subscriptions', tag: 'Subscriptions', name: 'Subscription', one: true },
  { kind: 'invoice', path: 'invoices', tag: 'Invoices', name: 'Invoice', one: true },
  { kind: 'invoice_item', path: 'invoice_items', tag: 'Invoices', name: 'InvoiceItem', one: true },
  { kind: 'payment', path: 'payments', tag: 'Payments', name: 'Payment', one: true },
  { kind: 'refund', path: 'refunds', tag: 'Payments', name: 'Refund', one: true },
  { kind: 'checkout', path: 'checkouts', tag: 'Checkouts', name: 'Checkout', one: true },
  { kind: 'usage', path: 'usage', tag: 'Usage', name: 'UsageTotal', one: false },
] as const

type List = (typeof LISTS)[number]

/** Lists and reads of all kinds, and the same object in any dialect. */
export function objectRoutes(service: SendingService): readonly Route[] {
  return [
    ...LISTS.map((list) => listRoute(service, list)),
    ...LISTS.filter(({ one }) => one).map((list) => readRoute(service, list)),
    retrieveRoute(service),
  ]
}

function listRoute(service: SendingService, { kind, path, tag, name }: List): Route {
  return route({
    method: 'GET',
    path: `${ACCOUNT_PATH}/${path}`,
    id: `list${name}s`,
    summary: `List ${path.replaceAll('_', ' ')}, newest first`,
    tag,
    scope: 'read',
    params: inAccount,
    query: z.strictObject({ ...paging, customer: idText.optional().describe('Only this customer’s.') }),
    body: noBody,
    answer: pageOf(ENTITY_ANSWERS[kind]),
    errors: ['not_found', 'invalid_cursor'],
    handle: async ({ params, query, caller }) => {
      service.requireAccount(caller, params.account)
      await service.billing.account(params.account)
      const { entities, next } = await service.billing.store.entities({
        account: params.account,
        kind,
        customer: query.customer ?? null,
        after: readCursor(idText.max(300), query.cursor) ?? null,
        limit: query.limit,
      })
      return {
        json: { data: entities.map(({ value }) => snake(value)), next: next === null ? null : writeCursor(next) },
      }
    },
  })
}

function readRoute(service: SendingService, { kind, path, tag, name }: List): Route {
  return route({
    method: 'GET',
    path: `${ACCOUNT_PATH}/${path}/:id`,
    id: `get${name}`,
    summary: `Read one of the ${path.replaceAll('_', ' ')}`,
    tag,
    scope: 'read',
    params: inAccountWithId,
    query: z.strictObject({}),
    body: noBody,
    answer: ENTITY_ANSWERS[kind],
    errors: ['not_found'],
    handle: async ({ params, caller }) => {
      service.requireAccount(caller, params.account)
      const stored = await service.billing.store.entity(params.account, kind, params.id)
      if (stored === null)
        throw new BillhookError('not_found', `no ${kind} in this account has the id ${JSON.stringify(params.id)}`)
      return { json: snake(stored.value) }
    },
  })
}

function retrieveRoute(service: SendingService): Route {
  return route({
    method: 'GET',
    path: `${ACCOUNT_PATH}/objects/:kind/:id`,
    id: 'retrieveObject',
    summary: 'An object as a provider’s Retrieve API answers it, and as its webhooks carry it',
    tag: 'Objects',
    scope: 'read',
    params: z.strictObject({ account: accountIn, kind: z.enum(RETRIEVABLE), id: idText }),
    query: z.strictObject({
      dialect: z.string().max(100).optional().describe('A dialect’s id, or a provider with an API version.'),
    }),
    body: noBody,
    answer: z.record(z.string(), z.unknown()),
    errors: ['not_found', 'unknown_dialect'],
    handle: async ({ params, query, caller }) => {
      service.requireAccount(caller, params.account)
      const { account, kind, id } = params
      return { json: (await service.retrieve(account, { kind, id }, query.dialect ?? null)).object }
    },
  })
}
