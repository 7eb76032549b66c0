import type { Instant } from '../model/instant.ts'
import { isObject } from '../model/json.ts'
import type { Json } from '../model/json.ts'
import type { HttpClient, HttpOutcome } from '../ports/http.ts'
import { readAcknowledgement } from './effects.ts'
import { StoryFields } from './read_fields.ts'
import type { Acknowledgement } from './receiver.ts'
import type { Scenario } from './scenario.ts'

/** An endpoint of the account beside the receiver's own: it answers, and nothing is made of what it gets. */
export interface OtherEndpoint {
  readonly name: string
  readonly url: string
  readonly eventTypes: readonly string[]
  /** True for the endpoint of a connected third-party application. */
  readonly connected: boolean
  readonly acknowledgement: Acknowledgement
}

/** The endpoints that a story's settings name. */
export interface EndpointSettings {
  /** How the receiver's own endpoint answers; null: the story does not say. */
  readonly own: Acknowledgement | null
  readonly ownName: string | null
  /** False if the story lists endpoints and all of them are somebody else's. */
  readonly listens: boolean
  readonly others: readonly OtherEndpoint[]
  readonly notes: readonly string[]
}

const CONNECTED = ['connected', 'connect', 'third_party'] as const

/** Given objects that are endpoints. */
const ENDPOINT_KINDS: readonly string[] = ['endpoint', 'webhook_endpoint']

/**
 * `endpoints`, a list of which the first one that is not a connected application's is the receiver's own; and
 * `connected_endpoint` with its other names. A story may also give them among its objects.
 *
 * @throws BillhookError `scenario_invalid`, naming the field
 */
export function readEndpoints(settings: StoryFields, objects: Scenario['given']): EndpointSettings {
  const given = objects.flatMap((entry) =>
    Object.entries(entry).flatMap(([kind, fields]) =>
      ENDPOINT_KINDS.includes(kind) ? [new StoryFields(fields, `given.${kind}`)] : [],
    ),
  )
  const listed = [...settings.objects('endpoints'), ...given]
  const added = ['connected_endpoint', 'connect_endpoint', 'third_party_endpoint', 'third_party'].flatMap((key) =>
    settings.has(key) ? [new StoryFields(asObject(settings.get(key)), `settings.${key}`)] : [],
  )
  const own = listed.find((fields) => !isConnected(fields))
  const rest = [
    ...listed.filter((fields) => fields !== own).map((fields) => ({ fields, connected: isConnected(fields) })),
    ...added.map((fields) => ({ fields, connected: true })),
  ]
  const others = rest.map(({ fields, connected }, index) => otherEndpoint(fields, connected, index + 2))
  const acknowledgement = own === undefined ? null : acknowledgementOf(own)
  return {
    own: acknowledgement,
    ownName: own?.text('id', 'name') ?? null,
    // Beside connected applications that a story gives, the account's own endpoint is there as always.
    listens: listed.length === given.length || own !== undefined,
    others,
    notes: [...added, ...given].flatMap((fields) => fields.unread()),
  }
}

/** What says nothing of how it answers. */
const SAID = ['url', 'description', 'api_version', 'secret'] as const

function otherEndpoint(fields: StoryFields, connected: boolean, number: number): OtherEndpoint {
  const types = fields.get('events') ?? fields.get('enabled_events') ?? fields.get('event_types')
  const named = Array.isArray(types) ? types.filter((type) => typeof type === 'string') : []
  return {
    name: fields.text('id', 'name') ?? (connected ? 'connected' : `endpoint_${number}`),
    url: `https://endpoint-${number}.example/hook`,
    eventTypes: named.length > 0 ? named : ['*'],
    connected,
    acknowledgement: acknowledgementOf(fields),
  }
}

function isConnected(fields: StoryFields): boolean {
  return CONNECTED.map((key) => fields.boolean(key)).includes(true)
}

function acknowledgementOf(fields: StoryFields): Acknowledgement {
  for (const key of SAID) fields.has(key)
  const { status, until } = readAcknowledgement(fields)
  return { status, until }
}

/** `{ ack: … }`, or the acknowledgement alone. */
function asObject(value: Json): Record<string, Json> {
  return isObject(value) ? value : { ack: value }
}

const TIMING = { connectMs: 0, firstByteMs: 0, totalMs: 0 } as const

/** The servers behind the other endpoints. They look at the billing clock, not at the network's. */
export class OtherServers {
  readonly #answers = new Map<string, { readonly endpoint: OtherEndpoint; acknowledgement: Acknowledgement }>()
  readonly #now: () => Instant

  constructor(endpoints: readonly OtherEndpoint[], now: () => Instant) {
    this.#now = now
    for (const endpoint of endpoints)
      this.#answers.set(endpoint.url, { endpoint, acknowledgement: { status: 200, until: null } })
  }

  /** The story has begun: from now on they answer as it says. */
  begin(): void {
    for (const one of this.#answers.values()) one.acknowledgement = one.endpoint.acknowledgement
  }

  answersWith(name: string, acknowledgement: Acknowledgement): void {
    for (const one of this.#answers.values()) if (one.endpoint.name === name) one.acknowledgement = acknowledgement
  }

  /** Takes what goes to one of them; the rest goes on. */
  before(next: HttpClient): HttpClient {
    return {
      send: (request) => {
        const server = this.#answers.get(request.url)
        return server === undefined ? next.send(request) : Promise.resolve(this.#answer(server.acknowledgement))
      },
    }
  }

  #answer({ status, until }: Acknowledgement): HttpOutcome {
    const healthy = until !== null && this.#now() >= until
    return {
      ok: true,
      status: healthy ? 200 : status,
      headers: {},
      body: new Uint8Array(),
      truncated: false,
      timing: TIMING,
    }
  }
}
