/**
 * The receiving end as a library: `import { createReceiver } from 'billhook/receiver'`. It keeps its store in a folder or
 * in PostgreSQL, takes deliveries from any web framework, calls your handlers, and says who may use what.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { createCustomerMails } from './app/mail/customer_mail.ts'
import type { CustomerMailOptions, CustomerMails } from './app/mail/customer_mail.ts'
import { openCore } from './app/core.ts'
import type { Core } from './app/core.ts'
import { traitsOf } from './app/traits.ts'
import { readBody } from './app/read_body.ts'
import { syncSources } from './app/source_config.ts'
import type { SourceConfig } from './app/source_config.ts'
import { createInbox } from './inbox/create_inbox.ts'
import type { Inbox } from './inbox/create_inbox.ts'
import type { AccessOptions, NewHold, Subject } from './inbox/access.ts'
import type { ErrorHandler, Handler, Reaction } from './inbox/handlers.ts'
import type { IngestAnswer } from './inbox/ingest.ts'
import type { Fetcher } from './inbox/reconcile.ts'
import type { AccessAnswer, Hold, UsageAnswer } from './model/access.ts'
import { BillhookError } from './model/error.ts'
import type { FactKind } from './model/facts.ts'
import { canonicalJson } from './model/json.ts'
import type { JsonObject } from './model/json.ts'
import type { Clock } from './ports/clock.ts'
import type { Log } from './ports/log.ts'
import { createLog } from './runtime/logger.ts'
import { parseSecretKey, secretKeyFromFile } from './runtime/secret_box.ts'
import { createInboxStore } from './storage/inbox_store.ts'
import { createMailPreferences } from './storage/mail_preferences.ts'
import type { StoreLocation } from './storage/open_store.ts'

export type { CustomerMail, MailOutcome, MailValue, Recipient } from './app/mail/customer_mail.ts'
export { MAIL_KINDS, MAIL_TEMPLATES } from './app/mail/mail_templates.ts'
export type { MailKind, MailTemplate, MailTemplates } from './app/mail/mail_templates.ts'
export type { Wanted } from './inbox/reconcile.ts'
export type { Reason, Standing } from './model/access.ts'
export { BillhookError, isBillhookError } from './model/error.ts'
export type { ErrorCode, ErrorDetails } from './model/error.ts'
export type { DerivedFact, Fact, FactDetails } from './model/facts.ts'
export { addMs, formatInstant, instant, parseInstant } from './model/instant.ts'
export type { Instant } from './model/instant.ts'
export type { Json } from './model/json.ts'
export type { Money } from './model/money.ts'
export type { Observation } from './model/observations.ts'
export type { AccessLevel } from './model/policy.ts'
export type { SubscriptionStatus } from './model/status.ts'
export type { LogFields } from './ports/log.ts'
export type { Mail, Mailer } from './ports/mail.ts'
export type { Transaction } from './ports/transaction.ts'
export { SmtpMailer } from './runtime/mailer.ts'
export type { SmtpOptions } from './runtime/mailer.ts'
export { createManualClock } from './runtime/manual_clock.ts'
export type { ManualClock } from './runtime/manual_clock.ts'
export type {
  AccessAnswer,
  AccessOptions,
  Clock,
  CustomerMailOptions,
  CustomerMails,
  ErrorHandler,
  FactKind,
  Fetcher,
  Handler,
  Hold,
  JsonObject,
  Log,
  NewHold,
  Reaction,
  SourceConfig,
  Subject,
  UsageAnswer,
}

/** How a receiver is set up. */
export interface ReceiverOptions {
  /** A folder of this machine (one process at a time), or a PostgreSQL database (any number of processes). */
  readonly store: { readonly dataFolder: string } | { readonly databaseUrl: string; readonly schema?: string }
  /**
   * Encrypts the sources' secrets in the store: 32 bytes, hexadecimal or base64. Left out with a folder: a key file in
   * it, made on first use.
   */
  readonly secretKey?: string
  /** The sources (webhook URLs) by name. The stored ones are made to match: a secret that is not listed opens nothing. */
  readonly sources: Readonly<Record<string, SourceConfig>>
  /** The access policy, as docs/receiving.md describes it. Left out: the one stored before, else the defaults. */
  readonly policy?: JsonObject
  /** Looks an object up at the provider if something is late, or if what was received allows two readings. */
  readonly fetcher?: Fetcher
  /** Larger bodies are refused. Bytes; default 1 MiB. */
  readonly maxBodyBytes?: number
  /** False: deliveries are folded and handlers called only after {@link Receiver.start}, or in {@link Receiver.settle}. Default true. */
  readonly autoStart?: boolean
  /** Default: warnings and errors, as JSON lines on standard error. */
  readonly log?: Log
  /** For tests: see {@link createManualClock}. */
  readonly clock?: Clock
}

/** A delivery, independent of any framework. */
export interface Arrived {
  /** Name of the source. */
  readonly source: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** The exact bytes, or a text (its UTF-8 bytes). Anything else was parsed by something in front, and is refused. */
  readonly body: unknown
}

/** What a delivery is answered with. */
export interface Answer {
  readonly status: number
  readonly body: JsonObject
}

/** A link between a user of the app and a customer of a provider. */
export interface LinkOf {
  readonly user: string
  readonly source: string
  readonly customer: string
}

/** The receiving end of one application. */
export interface Receiver extends AsyncDisposable {
  /** Takes one delivery, which is durable when the promise resolves. It never rejects: every failure is an answer. */
  receive(arrived: Arrived): Promise<Answer>
  /** A handler of one source for frameworks with web-standard requests. */
  handler(source: string): (request: Request) => Promise<Response>
  /** A handler of one source for `node:http`, Express and what is built on them. */
  nodeHandler(source: string): (request: IncomingMessage, response: ServerResponse) => Promise<void>
  /**
   * Calls a handler for every fact of one kind, at least once each. Register before {@link start} and the first delivery.
   *
   * @param name under which the store remembers what this handler has done, so keep it across releases; default: the
   *   kind and a running number
   * @throws BillhookError `config_invalid` if the name is taken
   */
  on<K extends FactKind>(kind: K, handler: Handler<K>, name?: string): Receiver
  /** The same for facts of every kind. */
  onAny(handler: Handler, name?: string): Receiver
  /** Is told of every handler that failed, and whether it will be called again. */
  onError(handler: ErrorHandler): Receiver
  /** Starts folding deliveries and calling handlers. Unless `autoStart` is false, the first delivery does it. */
  start(): void
  /** Who may use what, and why: for a user of the app, or for one customer of one source. */
  access(subject: string | Subject, options?: AccessOptions): Promise<AccessAnswer>
  /** How much of each meter is used in the current cycle. */
  usage(subject: string | Subject): Promise<readonly UsageAnswer[]>
  /**
   * Says that a user of the app is this customer. Saying it again changes nothing.
   *
   * @throws BillhookError `unknown_source`, `invalid_request`
   */
  link(link: LinkOf): Promise<void>
  /** Takes a link back, if there is one. */
  unlink(link: LinkOf): Promise<void>
  /** The users of the app that are linked to a customer, sorted. */
  users(of: Pick<LinkOf, 'source' | 'customer'>): Promise<readonly string[]>
  /**
   * Grants or blocks access whatever the providers say.
   *
   * @throws BillhookError `invalid_request` if it would end before it begins
   */
  hold(hold: Omit<NewHold, 'account'>): Promise<Hold>
  /** Ends a hold now. @returns false if there is none, or it has ended already */
  removeHold(id: string): Promise<boolean>
  /** Calls the handlers again for the facts that match, with `replay` set. @returns how many facts */
  replay(query: {
    readonly source?: string
    readonly customer?: string
    readonly kind?: FactKind
    readonly key?: string
  }): Promise<number>
  /** Mails to customers, which go out once per key; sent keys and opt-outs are kept in this store. */
  mails(options: Omit<CustomerMailOptions, 'account' | 'preferences' | 'clock'>): CustomerMails
  /** For tests: folds all that was received and calls all handlers that are due, without waiting for the rest of a burst. */
  settle(): Promise<void>
  /** Waits for running handlers, then closes the store. Safe to call again. */
  close(): Promise<void>
}

/** The account in the store: a library serves one application. */
const ACCOUNT = 'main'

const MAX_BODY_BYTES = 1024 * 1024

/**
 * Opens the store and makes a receiver.
 *
 * @throws BillhookError `config_invalid`, `unknown_dialect`, `invalid_request` (the policy), `store_locked`,
 * `store_unavailable`, `secret_key_missing`
 */
export async function createReceiver(options: ReceiverOptions): Promise<Receiver> {
  const maxBodyBytes = options.maxBodyBytes ?? MAX_BODY_BYTES
  const core = await openCore({
    location: locationOf(options),
    secretKey: secretKeyOf(options),
    log: options.log ?? createLog('warn'),
    // The only requests go to key sets that the application itself names.
    allowPrivate: true,
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  })
  try {
    const inbox = createInbox(
      {
        ...core,
        store: createInboxStore(core.database),
        traits: traitsOf,
        ...(options.fetcher === undefined ? {} : { fetcher: options.fetcher }),
      },
      { ingest: { maxBodyBytes } },
    )
    await syncSources(inbox.sources, ACCOUNT, options.sources)
    if (options.policy !== undefined) await usePolicy(inbox, options.policy)
    return new InboxReceiver(core, inbox, { maxBodyBytes, autoStart: options.autoStart ?? true })
  } catch (error) {
    await core[Symbol.asyncDispose]()
    throw error
  }
}

class InboxReceiver implements Receiver {
  readonly #core: Core
  readonly #inbox: Inbox
  readonly #maxBodyBytes: number
  readonly #autoStart: boolean
  #closed: Promise<void> | null = null

  constructor(core: Core, inbox: Inbox, options: { readonly maxBodyBytes: number; readonly autoStart: boolean }) {
    this.#core = core
    this.#inbox = inbox
    this.#maxBodyBytes = options.maxBodyBytes
    this.#autoStart = options.autoStart
  }

  async receive({ source, headers, body }: Arrived): Promise<Answer> {
    if (this.#closed !== null) return refusal(503, { code: 'shutting_down', message: 'this receiver was closed' })
    if (this.#autoStart) this.start()
    const bytes = bytesOf(body)
    if (bytes === null) this.#core.log.error({ source }, PARSED)
    const answer = await this.#inbox.ingest.receive({ account: ACCOUNT, source, headers: known(headers), body: bytes })
    return answerOf(answer)
  }

  /** @throws BillhookError `shutting_down` once it is closed: its store is gone */
  get #live(): Inbox {
    if (this.#closed !== null) throw new BillhookError('shutting_down', 'this receiver was closed')
    return this.#inbox
  }

  handler(source: string): (request: Request) => Promise<Response> {
    return async (request) => {
      if (request.method !== 'POST') return toResponse(WRONG_METHOD, { allow: 'POST' })
      const headers = Object.fromEntries(request.headers)
      const body = request.bodyUsed ? null : await readRequest(request, this.#maxBodyBytes)
      return toResponse(await this.receive({ source, headers, body }))
    }
  }

  nodeHandler(source: string): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
    return async (request, response) => {
      if (request.method !== 'POST') {
        response.setHeader('allow', 'POST')
        sendNode(response, WRONG_METHOD)
        return
      }
      const body = await bodyOfNode(request, this.#maxBodyBytes)
      if (body === GONE) return
      sendNode(response, await this.receive({ source, headers: request.headersDistinct, body }))
    }
  }

  on<K extends FactKind>(kind: K, handler: Handler<K>, name?: string): Receiver {
    this.#inbox.handlers.on(kind, handler, name)
    return this
  }

  onAny(handler: Handler, name?: string): Receiver {
    this.#inbox.handlers.onAny(handler, name)
    return this
  }

  onError(handler: ErrorHandler): Receiver {
    this.#inbox.handlers.onError(handler)
    return this
  }

  start(): void {
    this.#inbox.start()
  }

  async access(subject: string | Subject, options?: AccessOptions): Promise<AccessAnswer> {
    return this.#live.access.read(ACCOUNT, subjectOf(subject), options)
  }

  async usage(subject: string | Subject): Promise<readonly UsageAnswer[]> {
    return this.#live.access.usage(ACCOUNT, subjectOf(subject))
  }

  async link({ user, source, customer }: LinkOf): Promise<void> {
    await this.#live.access.link(ACCOUNT, user, source, customer)
  }

  async unlink({ user, source, customer }: LinkOf): Promise<void> {
    await this.#live.access.unlink(ACCOUNT, user, source, customer)
  }

  async users({ source, customer }: Pick<LinkOf, 'source' | 'customer'>): Promise<readonly string[]> {
    const links = await this.#live.store.access.linksOfCustomer(ACCOUNT, source, customer)
    return [...new Set(links.map(({ user }) => user))].sort()
  }

  async hold(hold: Omit<NewHold, 'account'>): Promise<Hold> {
    return this.#live.access.hold({ account: ACCOUNT, ...hold })
  }

  async removeHold(id: string): Promise<boolean> {
    return this.#live.access.removeHold(ACCOUNT, id)
  }

  async replay(query: Parameters<Receiver['replay']>[0]): Promise<number> {
    return this.#live.replay.facts({ account: ACCOUNT, ...query })
  }

  mails(options: Omit<CustomerMailOptions, 'account' | 'preferences' | 'clock'>): CustomerMails {
    const preferences = createMailPreferences(this.#core.database)
    return createCustomerMails({ ...options, account: ACCOUNT, preferences, clock: this.#core.clock })
  }

  async settle(): Promise<void> {
    // This call does not see what the running loops have claimed: it waits for them.
    do await this.#inbox.settle()
    while ((await this.#inbox.store.received.backlog()) > 0)
  }

  close(): Promise<void> {
    this.#closed ??= this.#inbox.stop().then(() => this.#core[Symbol.asyncDispose]())
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

const PARSED =
  'the body of a delivery was parsed before it came here; signatures are made over raw bytes: mount the webhook route before the body parser, or give that route a raw one'

const WRONG_METHOD = refusal(405, { code: 'method_not_allowed', message: 'deliveries are sent with POST' })

function subjectOf(subject: string | Subject): Subject {
  return typeof subject === 'string' ? { user: subject } : subject
}

async function usePolicy(inbox: Inbox, policy: JsonObject): Promise<void> {
  const newest = await inbox.policies.newest(ACCOUNT)
  if (canonicalJson(newest.json) !== canonicalJson(policy)) await inbox.policies.write(ACCOUNT, policy)
}

function locationOf({ store }: ReceiverOptions): StoreLocation {
  return store
}

function secretKeyOf({ store, secretKey }: ReceiverOptions): Uint8Array {
  if (secretKey !== undefined) return parseSecretKey(secretKey, 'secretKey')
  if ('dataFolder' in store) return secretKeyFromFile(join(store.dataFolder, 'secret.key'))
  throw new BillhookError(
    'config_invalid',
    'secretKey is needed with databaseUrl: every process must have the same one',
  )
}

/** Null: no bytes can be had. */
function bytesOf(body: unknown): Uint8Array | null {
  if (body instanceof Uint8Array) return body
  if (typeof body === 'string') return new TextEncoder().encode(body)
  return body instanceof ArrayBuffer ? new Uint8Array(body) : null
}

/** A list of one value is a header that occurred once: some frameworks give every header as a list. */
function known(headers: Arrived['headers']): Readonly<Record<string, string | readonly string[]>> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => {
      if (value === undefined) return []
      const [only, ...more] = typeof value === 'string' ? [value] : value
      return [[name, only !== undefined && more.length === 0 ? only : value] as const]
    }),
  )
}

/** The bytes up to one more than the limit, which is then seen to be passed. */
async function readRequest(request: Request, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    chunks.push(chunk)
    size += chunk.byteLength
    if (size > limit) break
  }
  return Buffer.concat(chunks).subarray(0, limit + 1)
}

/** The sender went away in the middle: there is nobody to answer. */
const GONE = Symbol('gone')

/** What a body parser in front has left, else what is read from the request itself. */
async function bodyOfNode(request: IncomingMessage, limit: number): Promise<unknown> {
  const left: unknown = 'rawBody' in request ? request.rawBody : 'body' in request ? request.body : undefined
  if (bytesOf(left) !== null) return left
  // A parser that passed a delivery by (its type is none of the parser's) may leave an empty object and all of the bytes.
  if (request.readableEnded || request.readableDidRead) return left ?? null
  const read = await readBody(request, limit)
  return read.end === 'gone' ? GONE : read.body
}

function answerOf(answer: IngestAnswer): Answer {
  const { status, delivery } = answer
  if (answer.ok) return { status, body: { received: true, delivery } }
  const { code, message, reason } = answer.error
  return refusal(status, { code, message, details: { ...(reason === undefined ? {} : { reason }), delivery } })
}

function refusal(
  status: number,
  error: { readonly code: string; readonly message: string; readonly details?: JsonObject },
): Answer {
  return { status, body: { error: { details: {}, ...error } } }
}

function toResponse({ status, body }: Answer, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } })
}

function sendNode(response: ServerResponse, { status, body }: Answer): void {
  if (response.headersSent || response.destroyed) return
  response.statusCode = status
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(body))
}
