import type { Command } from 'commander'
import { isObject } from '../model/json.ts'
import type { JsonObject } from '../model/json.ts'
import { withApi } from './api_client.ts'
import { accountPath, jsonArgument, printList, printOne, queryText, withAccount } from './billing_io.ts'
import type { SendingOptions } from './billing_io.ts'
import { shown, UsageError } from './io.ts'
import type { CliIo } from './io.ts'

/** What can be listed, and which members of each are shown. */
const THINGS: Readonly<Record<string, readonly string[]>> = {
  customers: ['id', 'name', 'email', 'currency', 'created_at'],
  payment_methods: ['id', 'customer', 'type', 'behavior', 'detached_at'],
  products: ['id', 'name', 'active'],
  prices: ['id', 'product', 'code', 'unit_amount', 'interval', 'active'],
  meters: ['id', 'code', 'aggregation', 'active'],
  subscriptions: ['id', 'customer', 'status', 'period', 'next_charge_at'],
  agreements: ['id', 'customer', 'status', 'period'],
  invoices: ['id', 'customer', 'status', 'total', 'number', 'created_at'],
  invoice_items: ['id', 'customer', 'amount', 'description'],
  payments: ['id', 'customer', 'status', 'amount', 'attempt', 'invoice'],
  refunds: ['id', 'payment', 'status', 'amount'],
  checkouts: ['id', 'customer', 'status', 'total', 'expires_at'],
  usage: ['subscription', 'meter', 'quantity', 'period'],
  facts: ['seq', 'kind', 'at', 'customer', 'subject'],
}

interface ListOptions extends SendingOptions {
  readonly customer?: string
  readonly limit?: string
  readonly cursor?: string
}

/** `billhook billing`: customers, catalogue, subscriptions, invoices and everything else that is billed. */
export function addBilling(program: Command, io: CliIo): void {
  const names = Object.keys(THINGS).join(', ')
  const billing = program
    .command('billing')
    .description('manage customers, catalogue, subscriptions, invoices, payments and more')
  withAccount(billing.command('list'))
    .description('list objects, newest first')
    .argument('<things>', names)
    .option('--customer <id>', 'only this customer’s')
    .option('--limit <n>', 'how many per page')
    .option('--cursor <text>', 'show the page after this cursor')
    .action(async (things: string, { account, json, ...query }: ListOptions) => {
      const path = accountPath(account, readThings(things)) + queryText({ ...query })
      printList(io, await withApi(io, (call) => call('GET', path)), THINGS[things] ?? [], json)
    })
  withAccount(billing.command('show'))
    .description('show one; with --dialect, as that provider’s API would show it')
    .argument('<things>', names)
    .argument('<id>')
    .option('--dialect <id>', 'a dialect’s id, or a provider with an API version')
    .action(async (things: string, id: string, options: SendingOptions & { readonly dialect?: string }) => {
      const { account, dialect, json } = options
      const path =
        dialect === undefined
          ? accountPath(account, readThings(things), id)
          : accountPath(account, 'objects', readThings(things).replace(/s$/, ''), id) + queryText({ dialect })
      printOne(io, await withApi(io, (call) => call('GET', path)), json)
    })
  addChanges(billing, io)
}

function addChanges(billing: Command, io: CliIo): void {
  withAccount(billing.command('create'))
    .description('create one: create customers \'{"name":"Ada"}\'')
    .argument('<things>')
    .argument('[body]', 'JSON, or @file', '{}')
    .action(async (things: string, body: string, { account, json }: SendingOptions) => {
      const path = accountPath(account, requireThings(things))
      printDone(io, await withApi(io, (call) => call('POST', path, jsonArgument(body))), json)
    })
  withAccount(billing.command('update'))
    .description('change one')
    .argument('<things>')
    .argument('<id>')
    .argument('<body>', 'JSON, or @file')
    .action(async (things: string, id: string, body: string, { account, json }: SendingOptions) => {
      const path = accountPath(account, requireThings(things), id)
      printDone(io, await withApi(io, (call) => call('PATCH', path, jsonArgument(body))), json)
    })
  withAccount(billing.command('delete'))
    .description('delete one')
    .argument('<things>')
    .argument('<id>')
    .action(async (things: string, id: string, { account, json }: SendingOptions) => {
      const path = accountPath(account, requireThings(things), id)
      printDone(io, await withApi(io, (call) => call('DELETE', path)), json)
    })
  withAccount(billing.command('do'))
    .description('act on one: do subscriptions sub_1 cancel \'{"when":"period_end"}\'')
    .argument('<things>')
    .argument('<id>')
    .argument('<action>', 'cancel, pause, resume, finalize, pay, void, …')
    .argument('[body]', 'JSON, or @file', '{}')
    .action(async (...[things, id, action, body, options]: [string, string, string, string, SendingOptions]) => {
      const path = accountPath(options.account, requireThings(things), id, action)
      printDone(io, await withApi(io, (call) => call('POST', path, jsonArgument(body))), options.json)
    })
}

function requireThings(things: string): string {
  if (Object.hasOwn(THINGS, things)) return things
  throw new UsageError(`${things} is not one of ${Object.keys(THINGS).join(', ')}`)
}

/** Agreements are read as what they are: subscriptions. */
function readThings(things: string): string {
  return requireThings(things) === 'agreements' ? 'subscriptions' : things
}

/** What a command led to: the object, then its events. */
function printDone(io: CliIo, answer: JsonObject, json: boolean | undefined): void {
  const { object, events } = answer
  if (json === true || !isObject(object)) return printOne(io, answer, json)
  printOne(io, object, false)
  for (const event of Array.isArray(events) ? events.filter(isObject) : []) io.out(`event\t${shown(event['type'])}\n`)
}
