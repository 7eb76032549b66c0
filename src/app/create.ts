import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PublicKeyLookup } from '../dialects/dialect.ts'
import { createInbox } from '../inbox/create_inbox.ts'
import type { Inbox } from '../inbox/create_inbox.ts'
import { BillhookError, isBillhookError, messageOf } from '../model/error.ts'
import { addMs, formatInstant, SECOND_MS } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import { canonicalJson, isObject } from '../model/json.ts'
import type { JsonObject } from '../model/json.ts'
import type { ApiStore } from '../ports/api_store.ts'
import type { Clock } from '../ports/clock.ts'
import type { DeliveryForwarder } from '../ports/delivery_forwarder.ts'
import type { Log } from '../ports/log.ts'
import type { Mailer } from '../ports/mail.ts'
import type { MailPreferences } from '../ports/mail_preferences.ts'
import type { Payments } from '../ports/payments.ts'
import type { Random } from '../ports/random.ts'
import { createLog } from '../runtime/logger.ts'
import { loggingMailer, SmtpMailer } from '../runtime/mailer.ts'
import { createHttpPayments } from '../runtime/payments_http.ts'
import { createSandboxPayments } from '../runtime/payments_sandbox.ts'
import { otelTracing } from '../runtime/otel_tracing.ts'
import { parseSecretKey, secretKeyFromFile } from '../runtime/secret_box.ts'
import { createApiStore } from '../storage/api_store.ts'
import { createInboxStore } from '../storage/inbox_store.ts'
import { createMailPreferences } from '../storage/mail_preferences.ts'
import type { StoreLocation } from '../storage/open_store.ts'
import { createApiKeys } from './api_keys.ts'
import type { ApiKeys } from './api_keys.ts'
import type { Config } from './config.ts'
import { openCore } from './core.ts'
import type { Core } from './core.ts'
import { traitsOf } from './traits.ts'
import { createSending } from './sending/create_sending.ts'
import type { Sending } from './sending/create_sending.ts'
import { keepHouse } from './housekeeping.ts'
import { encryptedAnswers } from './encrypted_answers.ts'
import { within } from './shutdown.ts'

/** The account that everything belongs to where nobody says otherwise. */
export const MAIN_ACCOUNT = 'main'

/** A process of Billhook, wired and not yet listening. */
export interface App extends AsyncDisposable {
  readonly config: Config
  readonly core: Core
  readonly inbox: Inbox
  /** Null: this process only receives. */
  readonly sending: Sending | null
  readonly keys: ApiKeys
  readonly answers: ApiStore
  readonly mailPreferences: MailPreferences
  /** The file that the first API key was written to, if this start made it; else null. */
  readonly newKeyFile: string | null
  /** Begins to work behind the answers. Register handlers before. */
  start(): Promise<void>
  /** Whether requests can be served. @throws BillhookError `store_unavailable` if the database does not answer */
  ready(): Promise<void>
  /** Ends what runs, within the configured time, and closes the store. May be called again. */
  close(): Promise<void>
}

/** What tests and stories replace. */
export interface AppParts {
  readonly clock?: Clock
  readonly random?: Random
  readonly log?: Log
  /** Key sets that are known without asking: null for all others. */
  readonly publicKeys?: (jwksUrl: string) => PublicKeyLookup | null
}

/** What is written after the last request or handler has ended. */
const SETTLE_MS = 1_000

/** How long the payment service may take to answer. */
const PAYMENTS_TIMEOUT_MS = 20_000

/** Where the first API key is written to. */
const KEY_FILE = 'api_key'

/**
 * Wires a process from its configuration.
 *
 * @throws BillhookError `config_invalid`, `store_locked`, `store_unavailable`, `store_newer`, `secret_key_missing`
 */
export async function createApp(config: Config, parts: AppParts = {}): Promise<App> {
  const core = await openCore({
    location: locationOf(config),
    secretKey: secretKeyOf(config),
    log: parts.log ?? createLog(config.logLevel),
    allowPrivate: config.allowPrivateAddresses,
    ...(parts.clock === undefined ? {} : { clock: parts.clock }),
    ...(parts.random === undefined ? {} : { random: parts.random }),
    ...(parts.publicKeys === undefined ? {} : { publicKeys: parts.publicKeys }),
  })
  try {
    return await wire(config, core)
  } catch (error) {
    await core[Symbol.asyncDispose]()
    throw error
  }
}

/** Access follows a delivery this much later at most while folding keeps up, and a stream of deliveries shares its folds. */
const FOLD_PAUSE_MS = 10

async function wire(config: Config, core: Core): Promise<App> {
  const { database, clock, random, log } = core
  const services = servicesOf(config, core)
  const sending = config.sending
    ? createSending({ ...core, ...services, retentionMs: config.retentionMs, tracing: otelTracing('billhook') })
    : null
  const forwarder = sending !== null && config.forwardDeliveries ? deliveryForwarder(sending, log) : null
  const inbox = createInbox(
    {
      ...core,
      store: createInboxStore(database),
      traits: traitsOf,
      ...(forwarder === null ? {} : { forwarder }),
    },
    {
      ingest: { maxBodyBytes: config.maxBodyBytes },
      process: { loops: database.backend === 'postgres' ? 2 : 1, pauseMs: FOLD_PAUSE_MS },
      retention: { deliveriesMs: config.retentionMs },
    },
  )
  // Opens every stored secret: a wrong key is found out now, and not by the next delivery.
  await inbox.sources.list(MAIN_ACCOUNT)
  if (config.operatorEmail !== null) mailOperator(inbox, services.mailer, config.operatorEmail)
  if (sending !== null) {
    await ensureAccount(sending)
    if (config.forwardFacts) forwardFacts(inbox, sending)
  }
  const answers = encryptedAnswers(createApiStore(database), core.secretBox)
  const keys = createApiKeys({ store: answers, clock, random })
  if (config.policyFile !== null) await usePolicyFile(inbox, config.policyFile)
  const house = new AbortController()
  let closed: Promise<void> | null = null
  const close = (): Promise<void> => {
    house.abort()
    closed ??= end(config, core, { inbox, sending })
    return closed
  }
  return {
    config,
    core,
    inbox,
    sending,
    keys,
    answers,
    mailPreferences: createMailPreferences(database),
    newKeyFile: await firstKey(config, keys, log),
    async start() {
      inbox.start()
      await sending?.start()
      void keepHouse({ answers, clock, log }, house.signal)
    },
    async ready() {
      if (closed !== null) throw new BillhookError('shutting_down', 'this process is shutting down')
      await database.first('SELECT 1 AS one')
      requireStoring(inbox, clock.now())
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** A full disk still reads. After this time deliveries are let in again, which shows whether they can be stored. */
const UNREADY_MS = 10 * SECOND_MS

/** @throws BillhookError `store_unavailable` if the last delivery could not be stored, a moment ago */
function requireStoring(inbox: Inbox, now: Instant): void {
  const { failedAt } = inbox.ingest
  if (failedAt === null || now >= addMs(failedAt, UNREADY_MS)) return
  throw new BillhookError(
    'store_unavailable',
    `a delivery could not be stored at ${formatInstant(failedAt)}; see the log for the reason`,
  )
}

async function end(config: Config, core: Core, ends: Pick<App, 'inbox' | 'sending'>): Promise<void> {
  const { shutdownTimeoutMs } = config
  const stopped = Promise.all([ends.inbox.stop(), ends.sending?.stop(shutdownTimeoutMs)])
  const inTime = await within(shutdownTimeoutMs + SETTLE_MS, stopped)
  // A handler that hangs is told again after the next start: its reaction is not noted as done.
  if (!inTime) core.log.warn({}, 'not everything ended in time; it goes on after the next start')
  await core[Symbol.asyncDispose]()
}

/** The world outside: mail and payments. */
function servicesOf(config: Config, core: Core): { readonly mailer: Mailer; readonly payments: Payments } {
  const { mail, payments } = config
  return {
    mailer:
      mail === null
        ? loggingMailer(core.log)
        : new SmtpMailer({ url: mail.smtpUrl, from: mail.from, domain: domainOf(mail.from) }),
    payments:
      payments === null
        ? createSandboxPayments()
        : createHttpPayments({ ...payments, timeoutMs: PAYMENTS_TIMEOUT_MS }, core.http, core.clock),
  }
}

/** Tells the operator of reactions that are not tried again by themselves. */
function mailOperator(inbox: Inbox, mailer: Mailer, to: string): void {
  inbox.handlers.onError(async (error, { source, key, fact }, { handler, dead }) => {
    if (!dead) return
    const subject = `Billhook: the reaction ${handler} to ${fact.kind} was given up`
    const text = `Source: ${source}\nFact: ${key}\nError: ${messageOf(error)}\n\nMend the cause, then have it told again: billhook replay --source ${source} --key '${fact.key}'`
    await mailer.send({ to, subject, text, html: null, key: `operator.${handler}.${key}`, headers: {} })
  })
}

function domainOf(address: string): string {
  return /@([^\s>]+)/.exec(address)?.[1] ?? 'localhost'
}

/** The account that endpoints and forwarding belong to where nobody made one. */
async function ensureAccount(sending: Sending): Promise<void> {
  const accounts = await sending.billing.store.accounts()
  if (accounts.some(({ id }) => id === MAIN_ACCOUNT)) return
  try {
    await sending.billing.createAccount({ id: MAIN_ACCOUNT, name: MAIN_ACCOUNT, dialect: 'standard', livemode: true })
  } catch (error) {
    // Another node was first.
    if (!isBillhookError(error) || error.code !== 'conflict') throw error
  }
}

/** Facts go on to the endpoints of their account in the transaction that notes them as told: each exactly once. */
function forwardFacts(inbox: Inbox, { delivery }: Sending): void {
  inbox.handlers.onAny(async (reaction) => {
    const { account, fact, retracted, replay } = reaction
    // The event was sent when the fact was told; a replay would be the same event again.
    if (retracted || replay) return
    await reaction.transaction((open) => delivery.forwarder.forwardFacts(open, account, [fact]))
    delivery.wake()
  }, 'forward')
}

/** Received deliveries go on to the endpoints of their account in the transaction that folds them. */
function deliveryForwarder({ delivery }: Sending, log: Log): DeliveryForwarder {
  return {
    async forward(transaction, account, deliveries) {
      try {
        await delivery.forwarder.forwardDeliveries(transaction, account, deliveries)
      } catch (error) {
        // An account that only receives has nobody to send to: its deliveries are folded all the same.
        if (!isBillhookError(error) || error.code !== 'not_found') throw error
        log.warn({ account, deliveries: deliveries.length }, 'not forwarded: the account has no sending side')
      }
    },
    committed: () => delivery.wake(),
  }
}

function locationOf(config: Config): StoreLocation {
  const { databaseUrl, databaseSchema, databaseConnections, dataFolder } = config
  if (databaseUrl === null) return { dataFolder }
  return {
    databaseUrl,
    maxConnections: databaseConnections,
    ...(databaseSchema === null ? {} : { schema: databaseSchema }),
  }
}

function secretKeyOf(config: Config): Uint8Array {
  if (config.secretKey !== null) return parseSecretKey(config.secretKey, 'BILLHOOK_SECRET_KEY')
  return secretKeyFromFile(join(config.dataFolder, 'secret.key'))
}

async function firstKey(config: Config, keys: ApiKeys, log: Log): Promise<string | null> {
  const text = await keys.bootstrap(MAIN_ACCOUNT)
  if (text === null) return null
  const path = join(config.dataFolder, KEY_FILE)
  mkdirSync(config.dataFolder, { recursive: true, mode: 0o700 })
  writeFileSync(path, `${text}\n`, { mode: 0o600 })
  // A file that was there before keeps its mode when it is written.
  chmodSync(path, 0o600)
  log.info({ path }, 'the first API key was written')
  return path
}

/** The file's policy becomes the newest version, unless it is that already. */
async function usePolicyFile(inbox: Inbox, path: string): Promise<void> {
  const json = readPolicy(path)
  const newest = await inbox.policies.newest(MAIN_ACCOUNT)
  if (canonicalJson(newest.json) !== canonicalJson(json)) await inbox.policies.write(MAIN_ACCOUNT, json)
}

function readPolicy(path: string): JsonObject {
  let json: unknown
  try {
    json = JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new BillhookError(
      'config_invalid',
      `BILLHOOK_POLICY_FILE: ${path} cannot be read as JSON: ${messageOf(cause)}`,
      {
        cause,
      },
    )
  }
  if (!isObject(json)) throw new BillhookError('config_invalid', `BILLHOOK_POLICY_FILE: ${path} is not a JSON object`)
  return json
}
