/** Demonstrates the receiving end: real signed deliveries over HTTP, and the access answers that result. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describeAccess } from '../../app/present/describe_access.ts'
import type { Notification, PublicKeyLookup, Sealed } from '../../dialects/dialect.ts'
import { addMs, HOUR_MS } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import { isObject } from '../../model/json.ts'
import type { JsonObject } from '../../model/json.ts'
import { staticKeySet } from '../../runtime/jwks.ts'
import type { DemoSource } from './prepare_demo.ts'

/** What the demonstration needs of the server and the terminal. */
export interface DemoTools {
  /** URL of the server that receives the deliveries. */
  readonly url: string
  /** Asks the REST API. */
  readonly api: (method: 'GET' | 'POST', path: string, body?: JsonObject) => Promise<JsonObject>
  readonly print: (line: string) => void
  readonly now: () => Instant
  /** Makes the server find a provider's keys at a URL. */
  readonly publish: (jwksUrl: string, keys: PublicKeyLookup) => void
  /** How a shell reads the API key. */
  readonly keyCommand: string
}

/** One request to be made. */
interface Send {
  readonly source: DemoSource
  readonly notification: Notification
  readonly note: string
  readonly seal: (at: Instant) => Sealed
}

/** One delivery in this many arrives twice. */
const TWICE_EVERY = 4

/** How long the folding behind the answers may take. */
const FOLD_PATIENCE_MS = 15_000
const LOOK_EVERY_MS = 50

/** Plays the deliveries of some sources to a server whose store is empty. */
export async function playDemo(sources: readonly DemoSource[], tools: DemoTools): Promise<void> {
  const { print } = tools
  print('')
  print('The store is empty, so here is a demonstration. Four customers, one at each provider:')
  for (const { name, user, life } of sources) print(`  ${pad(user, 6)} ${pad(name, 16)} ${life}`)
  await createSources(sources, tools)
  print('')
  print(
    'Their webhooks arrive as webhooks do: out of order, some twice, one forged, one recorded and sent again later.',
  )
  const sends = interleave(sources.map(sendsOf))
  const forged = forgeries(sources)
  let refused = 0
  for (const send of [...sends, ...forged]) {
    const answer = await deliver(send, tools)
    if (answer.status >= 400) refused += 1
    print(`  ${answer.status}  ${pad(send.source.name, 16)} ${pad(send.notification.type, 36)} ${answer.note}`)
  }
  await folded(tools)
  print('')
  print(
    `${sends.length + forged.length} deliveries, ${refused} of them refused. Who may use what they pay for, and why:`,
  )
  for (const { user } of sources) {
    const answer = await tools.api('GET', `/v1/access/${user}`)
    for (const line of describeAccess(user, answer)) print(`  ${line}`)
  }
  printNextSteps(sources, tools)
}

async function createSources(sources: readonly DemoSource[], tools: DemoTools): Promise<void> {
  for (const { name, dialect, secrets, keySet, user, customer } of sources) {
    const jwksUrl = `https://${name}.invalid/jwks`
    if (keySet !== null) tools.publish(jwksUrl, staticKeySet(keySet))
    await tools.api('POST', '/v1/sources', {
      name,
      dialect: dialect.id,
      secrets,
      settings: { settle: 'PT0S', ...(keySet === null ? {} : { jwksUrl }) },
    })
    await tools.api('POST', '/v1/links', { user, source: name, customer })
  }
}

/** A source's deliveries: neighbors swapped, every fourth one twice. */
function sendsOf(source: DemoSource): readonly Send[] {
  const { notifications } = source
  const order = notifications.map((_, index) => (index % 2 === 0 ? index + 1 : index - 1))
  const seen = new Set<number>()
  return order.flatMap((wanted, place) => {
    const index = wanted < notifications.length ? wanted : place
    const notification = notifications[index]
    if (notification === undefined) return []
    const isLate = seen.has(index + 1)
    seen.add(index)
    const send: Send = {
      source,
      notification,
      note: isLate ? 'after a later one' : '',
      seal: (at) => source.seal(notification, at),
    }
    return place % TWICE_EVERY === TWICE_EVERY - 1 ? [send, { ...send, note: 'a second time' }] : [send]
  })
}

function interleave<T>(lists: readonly (readonly T[])[]): readonly T[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length))
  return Array.from({ length: longest }, (_, index) => lists.flatMap((list) => list.slice(index, index + 1))).flat()
}

/** One delivery that was changed on the way, and one that a stranger recorded and sends again. */
function forgeries(sources: readonly DemoSource[]): readonly Send[] {
  const timed = sources.find(({ dialect }) => dialect.toleranceMs !== null && dialect.toleranceMs < HOUR_MS)
  return [
    ...sources
      .slice(0, 1)
      .map((source) => ({ source, note: 'a byte was changed on the way', seal: changedByte(source) })),
    ...(timed === undefined
      ? []
      : [
          {
            source: timed,
            note: 'recorded an hour ago, sent again',
            seal: (at: Instant) => sealLast(timed, addMs(at, -HOUR_MS)),
          },
        ]),
  ].flatMap((send) => {
    const notification = send.source.notifications.at(-1)
    return notification === undefined ? [] : [{ ...send, notification }]
  })
}

function sealLast(source: DemoSource, at: Instant): Sealed {
  const notification = source.notifications.at(-1)
  return notification === undefined ? { headers: {}, body: new Uint8Array() } : source.seal(notification, at)
}

function changedByte(source: DemoSource): (at: Instant) => Sealed {
  return (at) => {
    const { headers, body } = sealLast(source, at)
    const changed = Uint8Array.from(body)
    const middle = Math.floor(changed.length / 2)
    changed[middle] = (changed[middle] ?? 0) ^ 1
    return { headers, body: changed }
  }
}

async function deliver(
  { source, note, seal }: Send,
  tools: DemoTools,
): Promise<{ readonly status: number; readonly note: string }> {
  const sealed = seal(tools.now())
  const headers = Object.entries(sealed.headers).map(([name, value]): [string, string] => [
    name,
    typeof value === 'string' ? value : value.join(', '),
  ])
  const response = await fetch(`${tools.url}/in/${source.name}`, {
    method: 'POST',
    headers,
    body: new Uint8Array(sealed.body),
  })
  const answer: unknown = await response.json()
  const error = isObject(answer) && isObject(answer['error']) ? answer['error'] : {}
  const details = isObject(error['details']) ? error['details'] : {}
  const reason = typeof details['reason'] === 'string' ? details['reason'] : ''
  return { status: response.status, note: [note, reason].filter((text) => text !== '').join(': ') }
}

/** Waits until nothing is left to fold. */
async function folded(tools: DemoTools): Promise<void> {
  for (let waited = 0; waited < FOLD_PATIENCE_MS; waited += LOOK_EVERY_MS) {
    const waiting = await tools.api('GET', '/v1/deliveries?state=received&limit=1')
    if (Array.isArray(waiting['data']) && waiting['data'].length === 0) return
    await sleep(LOOK_EVERY_MS)
  }
}

function printNextSteps(sources: readonly DemoSource[], { print, url, keyCommand }: DemoTools): void {
  const [first] = sources
  if (first === undefined) return
  print('')
  print('To explore further:')
  const ask = (path: string): void => print(`  curl -s -H "Authorization: Bearer $(${keyCommand})" '${url}${path}'`)
  ask(`/v1/access/${first.user}`)
  ask(`/v1/facts?source=${first.name}&limit=5`)
  ask('/v1/deliveries?state=refused')
  print(`  curl -s ${url}/openapi.json`)
  print('')
}

function pad(text: string, width: number): string {
  return text.padEnd(width)
}
