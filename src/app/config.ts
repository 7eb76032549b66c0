import { parseDuration } from '../model/duration.ts'
import { BillhookError } from '../model/error.ts'
import { DAY_MS, SECOND_MS } from '../model/instant.ts'
import { LOG_LEVELS } from '../runtime/logger.ts'
import type { LogLevel } from '../runtime/logger.ts'

/** Everything that a process of Billhook is told from outside. */
export interface Config {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** How the outside reaches this server; null: as it listens. */
  readonly publicUrl: string | null
  /** Where the embedded store, the secret key and the first API key are kept. */
  readonly dataFolder: string
  /** Null: the embedded store. */
  readonly databaseUrl: string | null
  /** The PostgreSQL schema that the tables are in; null: the connection's own. */
  readonly databaseSchema: string | null
  readonly databaseConnections: number
  /** Null: a key file in the data folder. */
  readonly secretKey: string | null
  readonly logLevel: LogLevel
  readonly maxBodyBytes: number
  readonly bodyTimeoutMs: number
  readonly shutdownTimeoutMs: number
  readonly settleMs: number
  /** Null: kept forever. */
  readonly retentionMs: number | null
  /** A file with the access policy, JSON; null: the policy set over the API, else the default. */
  readonly policyFile: string | null
  readonly mail: MailConfig | null
  readonly operatorEmail: string | null
  /** True: requests may go to this machine and to private networks, and over plain http. */
  readonly allowPrivateAddresses: boolean
  /** True: a start on an empty store plays a demonstration. */
  readonly demo: boolean
  /** True: the billing engine and the delivery engine run in this process. */
  readonly sending: boolean
  /** True: derived facts are sent on to the account's endpoints. */
  readonly forwardFacts: boolean
  readonly forwardDeliveries: boolean
  /** The user's own payment service; null: the sandbox, which moves no money. */
  readonly payments: { readonly url: string; readonly secret: string } | null
}

/** The mail server, and the sender of operator and endpoint mails. */
export interface MailConfig {
  /** `smtp://user:password@host:port` or `smtps://…`. */
  readonly smtpUrl: string
  readonly from: string
}

/** One setting, as docs/configuration.md shows it. */
export interface Setting {
  readonly name: string
  /** As it would be written; null: unset. */
  readonly fallback: string | null
  readonly meaning: string
  /** True: never printed. */
  readonly secret: boolean
}

/** Every setting. docs/configuration.md is generated from this table and a test compares the two. */
export const SETTINGS = [
  { name: 'BILLHOOK_HOST', fallback: '127.0.0.1', secret: false, meaning: 'Address to listen on.' },
  { name: 'BILLHOOK_PORT', fallback: '8420', secret: false, meaning: 'Port to listen on; `0` takes any free one.' },
  {
    name: 'BILLHOOK_PUBLIC_URL',
    fallback: null,
    secret: false,
    meaning: 'URL at which the outside reaches this server; used in the webhook URLs and key set URLs that it shows.',
  },
  {
    name: 'BILLHOOK_DATA_FOLDER',
    fallback: '.billhook',
    secret: false,
    meaning:
      'Folder of the embedded store, the secret key file and the first API key. One process at a time may use it.',
  },
  {
    name: 'DATABASE_URL',
    fallback: null,
    secret: true,
    meaning: 'PostgreSQL 15 or newer, `postgres://…`; unset: the embedded store.',
  },
  {
    name: 'BILLHOOK_DATABASE_SCHEMA',
    fallback: null,
    secret: false,
    meaning: 'PostgreSQL schema for the tables; created if missing. Unset: the connection’s default schema.',
  },
  {
    name: 'BILLHOOK_DATABASE_CONNECTIONS',
    fallback: '16',
    secret: false,
    meaning: 'Maximum number of connections to PostgreSQL per process.',
  },
  {
    name: 'BILLHOOK_SECRET_KEY',
    fallback: null,
    secret: true,
    meaning:
      'Key that encrypts secrets at rest: 32 bytes, in hexadecimal or base64; unset: the file `secret.key` in the data folder, created if missing.',
  },
  {
    name: 'BILLHOOK_LOG_LEVEL',
    fallback: 'warn',
    secret: false,
    meaning: `Lowest level that is logged: ${LOG_LEVELS.join(', ')}.`,
  },
  {
    name: 'BILLHOOK_MAX_BODY_BYTES',
    fallback: '2097152',
    secret: false,
    meaning: 'Largest request body that is accepted.',
  },
  {
    name: 'BILLHOOK_BODY_TIMEOUT',
    fallback: 'PT10S',
    secret: false,
    meaning: 'Time within which a request must have arrived completely.',
  },
  {
    name: 'BILLHOOK_SHUTDOWN_TIMEOUT',
    fallback: 'PT15S',
    secret: false,
    meaning: 'Time that running work has to finish once the process is asked to stop.',
  },
  {
    name: 'BILLHOOK_SETTLE',
    fallback: 'PT2S',
    secret: false,
    meaning: 'How long handlers are held back for the rest of a burst of deliveries, unless the source says otherwise.',
  },
  {
    name: 'BILLHOOK_RETENTION',
    fallback: 'forever',
    secret: false,
    meaning:
      'How long deliveries, events and attempts are kept: a duration of at least 7 days, or `forever`. The ledger is always kept.',
  },
  {
    name: 'BILLHOOK_POLICY_FILE',
    fallback: null,
    secret: false,
    meaning: 'JSON file with the access policy; unset: the policy set over the API.',
  },
  {
    name: 'BILLHOOK_SMTP_URL',
    fallback: null,
    secret: true,
    meaning:
      'Mail server, `smtp://user:password@host:port` or `smtps://…`; unset: no mail is sent, and each is logged at level `info` instead.',
  },
  {
    name: 'BILLHOOK_MAIL_FROM',
    fallback: null,
    secret: false,
    meaning: 'Sender of mails; required with a mail server.',
  },
  {
    name: 'BILLHOOK_OPERATOR_EMAIL',
    fallback: null,
    secret: false,
    meaning: 'Who is mailed about handlers that were given up.',
  },
  {
    name: 'BILLHOOK_ALLOW_PRIVATE_ADDRESSES',
    fallback: 'false',
    secret: false,
    meaning:
      'Whether requests may go to this machine and to private networks, and over plain http. For development only.',
  },
  {
    name: 'BILLHOOK_DEMO',
    fallback: 'true',
    secret: false,
    meaning: 'Whether a start on an empty store plays a demonstration.',
  },
  {
    name: 'BILLHOOK_SENDING',
    fallback: 'true',
    secret: false,
    meaning: 'Whether the billing engine and the delivery engine run in this process.',
  },
  {
    name: 'BILLHOOK_FORWARD_FACTS',
    fallback: 'false',
    secret: false,
    meaning: 'Whether facts derived from received deliveries are forwarded to the account’s endpoints.',
  },
  {
    name: 'BILLHOOK_FORWARD_DELIVERIES',
    fallback: 'false',
    secret: false,
    meaning: 'Whether received deliveries are forwarded to the account’s endpoints, byte by byte, signed again.',
  },
  {
    name: 'BILLHOOK_PAYMENTS_URL',
    fallback: null,
    secret: false,
    meaning: 'Payment service through which the billing engine charges; unset: a sandbox that moves no money.',
  },
  {
    name: 'BILLHOOK_PAYMENTS_SECRET',
    fallback: null,
    secret: true,
    meaning: 'Secret that signs charge requests and callbacks, `whsec_…`; required with a payment service.',
  },
] as const satisfies readonly Setting[]

/** What the commands of the command line read from the environment besides the settings. */
export const COMMAND_VARIABLES: readonly Pick<Setting, 'name' | 'meaning'>[] = [
  {
    name: 'BILLHOOK_URL',
    meaning:
      'Server that the commands talk to; unset: the one that has the data folder in use, else the data folder itself.',
  },
  {
    name: 'BILLHOOK_API_KEY',
    meaning: 'API key for that server; unset: the first key, from the data folder.',
  },
  {
    name: 'BILLHOOK_RUN_DATABASE_URL',
    meaning: 'PostgreSQL on which `billhook run` plays stories; unset: the embedded store.',
  },
]

type Name = (typeof SETTINGS)[number]['name']

/** Values by name, as the process's environment holds them. An empty text counts as unset. */
export type Environment = Readonly<Record<string, string | undefined>>

/** More connections than this are a mistake: PostgreSQL's own default limit is 100. */
const MAX_CONNECTIONS = 500

/** Larger bodies would be held in memory, one per open request. */
const MAX_BODY_LIMIT = 64 * 1024 * 1024

/**
 * The configuration that an environment describes, every value checked.
 *
 * @throws BillhookError `config_invalid`, naming the setting
 */
export function parseConfig(env: Environment): Config {
  return Object.freeze({
    host: required(env, 'BILLHOOK_HOST'),
    port: wholeNumber(env, 'BILLHOOK_PORT', { from: 0, to: 65_535 }),
    publicUrl: url(env, 'BILLHOOK_PUBLIC_URL', ['http:', 'https:']),
    dataFolder: required(env, 'BILLHOOK_DATA_FOLDER'),
    databaseUrl: url(env, 'DATABASE_URL', ['postgres:', 'postgresql:']),
    databaseSchema: schemaName(env, 'BILLHOOK_DATABASE_SCHEMA'),
    databaseConnections: wholeNumber(env, 'BILLHOOK_DATABASE_CONNECTIONS', { from: 2, to: MAX_CONNECTIONS }),
    secretKey: valueOf(env, 'BILLHOOK_SECRET_KEY'),
    logLevel: oneOf(env, 'BILLHOOK_LOG_LEVEL', LOG_LEVELS),
    maxBodyBytes: wholeNumber(env, 'BILLHOOK_MAX_BODY_BYTES', { from: 1024, to: MAX_BODY_LIMIT }),
    bodyTimeoutMs: duration(env, 'BILLHOOK_BODY_TIMEOUT', { from: SECOND_MS, to: DAY_MS }),
    shutdownTimeoutMs: duration(env, 'BILLHOOK_SHUTDOWN_TIMEOUT', { from: 0, to: DAY_MS }),
    settleMs: duration(env, 'BILLHOOK_SETTLE', { from: 0, to: DAY_MS }),
    retentionMs:
      valueOf(env, 'BILLHOOK_RETENTION') === 'forever'
        ? null
        : duration(env, 'BILLHOOK_RETENTION', { from: 7 * DAY_MS, to: 36_525 * DAY_MS }),
    policyFile: valueOf(env, 'BILLHOOK_POLICY_FILE'),
    mail: mail(env),
    operatorEmail: address(env, 'BILLHOOK_OPERATOR_EMAIL'),
    allowPrivateAddresses: trueOrFalse(env, 'BILLHOOK_ALLOW_PRIVATE_ADDRESSES'),
    demo: trueOrFalse(env, 'BILLHOOK_DEMO'),
    sending: trueOrFalse(env, 'BILLHOOK_SENDING'),
    forwardFacts: trueOrFalse(env, 'BILLHOOK_FORWARD_FACTS'),
    forwardDeliveries: trueOrFalse(env, 'BILLHOOK_FORWARD_DELIVERIES'),
    payments: payments(env),
  })
}

/** Every setting with its value, for `billhook config`; a secret shows only whether it is set. */
export function printConfig(env: Environment): string {
  const lines = SETTINGS.map(({ name, fallback, secret }) => {
    const given = valueOf(env, name)
    const shown = given === null ? '(not set)' : secret ? '(set, not shown)' : given
    return `${name}=${shown}${given !== null && given === fallback ? '  (default)' : ''}`
  })
  return `${lines.join('\n')}\n`
}

/** Names that begin like ours but are not: probably typing errors. */
export function unknownSettings(env: Environment): readonly string[] {
  const known: readonly string[] = [...SETTINGS, ...COMMAND_VARIABLES].map(({ name }) => name)
  return Object.keys(env).filter(
    (name) => name.startsWith('BILLHOOK_') && !name.startsWith('BILLHOOK_TEST_') && !known.includes(name),
  )
}

function valueOf(env: Environment, name: Name): string | null {
  const given = env[name]?.trim() ?? ''
  return given === '' ? (SETTINGS.find((setting) => setting.name === name)?.fallback ?? null) : given
}

function required(env: Environment, name: Name): string {
  return valueOf(env, name) ?? wrong(name, 'is not set')
}

interface Range {
  readonly from: number
  readonly to: number
}

function wholeNumber(env: Environment, name: Name, { from, to }: Range): number {
  const text = required(env, name)
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  return value >= from && value <= to ? value : wrong(name, `${text} is not a whole number from ${from} to ${to}`)
}

function duration(env: Environment, name: Name, { from, to }: Range): number {
  const text = required(env, name)
  const ms = parseDuration(text) ?? wrong(name, `${text} is not an ISO 8601 duration such as PT10S`)
  return ms >= from && ms <= to ? ms : wrong(name, `${text} is not from ${from} to ${to} milliseconds long`)
}

function oneOf<const T extends string>(env: Environment, name: Name, values: readonly T[]): T {
  const text = required(env, name)
  return values.find((value) => value === text) ?? wrong(name, `${text} is not one of ${values.join(', ')}`)
}

function trueOrFalse(env: Environment, name: Name): boolean {
  return oneOf(env, name, ['true', 'false']) === 'true'
}

/** The message never repeats the text: a URL may hold a password. */
function url(env: Environment, name: Name, schemes: readonly string[]): string | null {
  const text = valueOf(env, name)
  if (text === null) return null
  if (!URL.canParse(text) || !schemes.includes(new URL(text).protocol))
    wrong(name, `is not a URL that begins with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}`)
  return text
}

function schemaName(env: Environment, name: Name): string | null {
  const text = valueOf(env, name)
  if (text !== null && !/^[a-z_][a-z0-9_]{0,62}$/.test(text))
    wrong(name, `${text} is not a name of lower-case letters, digits and underscores`)
  return text
}

function address(env: Environment, name: Name): string | null {
  const text = valueOf(env, name)
  if (text !== null && !/^[^@\s]+@[^@\s]+$|<[^@\s]+@[^@\s]+>$/.test(text)) wrong(name, `${text} is not a mail address`)
  return text
}

function mail(env: Environment): MailConfig | null {
  const smtpUrl = url(env, 'BILLHOOK_SMTP_URL', ['smtp:', 'smtps:'])
  const from = address(env, 'BILLHOOK_MAIL_FROM')
  if (smtpUrl === null) return null
  return { smtpUrl, from: from ?? wrong('BILLHOOK_MAIL_FROM', 'is not set, but a mail server is') }
}

function payments(env: Environment): Config['payments'] {
  const address = url(env, 'BILLHOOK_PAYMENTS_URL', ['http:', 'https:'])
  if (address === null) return null
  const secret = valueOf(env, 'BILLHOOK_PAYMENTS_SECRET')
  return { url: address, secret: secret ?? wrong('BILLHOOK_PAYMENTS_SECRET', 'is not set, but a payment service is') }
}

function wrong(name: Name, what: string): never {
  throw new BillhookError('config_invalid', `${name} ${what}; see docs/configuration.md`, {
    details: { setting: name },
  })
}
