/**
 * The laws that every dialect keeps, as plain checks that any test runner can run: each throws an `AssertionError` that
 * names what was broken. Checks with an `input` are for property tests: the caller makes the inputs.
 */
import assert from 'node:assert/strict'
import { open } from '../dialects/dialect.ts'
import type {
  Decoded,
  Dialect,
  Notification,
  Opened,
  OpeningKeys,
  Secret,
  Sealed,
  SealingKeys,
} from '../dialects/dialect.ts'
import type { View } from '../model/entities.ts'
import { FACT_KINDS } from '../model/facts.ts'
import type { Told } from '../model/facts.ts'
import { instant } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { Json, JsonObject } from '../model/json.ts'
import { isObject } from '../model/json.ts'
import { REFUSALS } from '../model/verdict.ts'

/** What the laws need to know of one dialect. */
export interface LawSubject {
  readonly dialect: Dialect
  /** True notifications of the provider, one or more a type. */
  readonly samples: readonly Notification[]
  /** Sealing with the current secret or key, and with its predecessor. */
  readonly sealing: { readonly current: SealingKeys; readonly older: SealingKeys }
  /** Opening keys under which deliveries of both open. */
  readonly opening: OpeningKeys
  /** Changes with what was there before and after: each is told, and what is told must be readable. */
  readonly tellings: readonly { readonly told: Told; readonly view: View }[]
}

/** One law. */
export interface Law {
  /** The sentence that must be true. */
  readonly name: string
  check(subject: LawSubject): Promise<void> | void
}

/** A notification's own time, so that its delivery is neither old nor early. */
function sendTime(notification: Notification): Instant {
  return notification.createdAt ?? instant(1_767_225_600_000)
}

function sealSample(subject: LawSubject, notification: Notification, keys: SealingKeys): Sealed {
  return subject.dialect.seal(notification, keys, sendTime(notification))
}

async function openSample(subject: LawSubject, sealed: Sealed, notification: Notification): Promise<Opened> {
  return open(subject.dialect, sealed, subject.opening, { at: sendTime(notification), toleranceMs: null })
}

/** An opened delivery, or a broken law. */
function requireOpen(opened: Opened, what: string): Opened & { readonly ok: true } {
  if (!opened.ok) assert.fail(`${what} does not open: ${opened.reason} (${opened.detail})`)
  return opened
}

function catalogueIsSound({ dialect }: LawSubject): void {
  const types = dialect.catalogue.map((entry) => entry.type)
  assert.equal(new Set(types).size, types.length, 'a type stands twice in the catalogue')
  for (const entry of dialect.catalogue) {
    assert.ok(entry.type !== '' && entry.meaning !== '' && entry.source !== '', `${entry.type}: no meaning or source`)
    for (const kind of entry.carries) assert.ok(Object.hasOwn(FACT_KINDS, kind), `${entry.type} carries ${kind}`)
  }
}

function samplesAreInCatalogue({ dialect, samples }: LawSubject): void {
  const types = new Set(dialect.catalogue.map((entry) => entry.type))
  assert.ok(samples.length > 0, 'there is no sample')
  for (const { type } of samples) assert.ok(types.has(type), `the sample ${type} is not in the catalogue`)
}

async function sealedOpens(subject: LawSubject): Promise<void> {
  for (const sample of subject.samples) {
    const sealed = sealSample(subject, sample, subject.sealing.current)
    const opened = requireOpen(await openSample(subject, sealed, sample), sample.type)
    assert.deepEqual(opened.notification, sample, `${sample.type} came back changed`)
  }
}

async function olderSecretOpens(subject: LawSubject): Promise<void> {
  for (const sample of subject.samples) {
    const sealed = sealSample(subject, sample, subject.sealing.older)
    requireOpen(await openSample(subject, sealed, sample), `${sample.type} under the older secret`)
  }
}

async function expiredSecretIsRefused(subject: LawSubject): Promise<void> {
  if (subject.opening.publicKey !== null) return
  for (const sample of subject.samples) {
    const at = sendTime(sample)
    const sealed = sealSample(subject, sample, subject.sealing.older)
    const expire = (secret: Secret): Secret =>
      subject.sealing.older.secrets.includes(secret.text) ? { ...secret, until: at } : secret
    const keys = { ...subject.opening, secrets: subject.opening.secrets.map(expire) }
    const opened = await open(subject.dialect, sealed, keys, { at, toleranceMs: null })
    assert.ok(!opened.ok, `${sample.type} opened with a secret that had expired`)
  }
}

async function nothingOpensWithoutKeys(subject: LawSubject): Promise<void> {
  const noKeys: OpeningKeys = {
    secrets: [{ text: '', from: null, until: null }],
    publicKey: async () => ({ ok: false, reason: 'key_unknown' }),
  }
  for (const sample of subject.samples) {
    const sealed = sealSample(subject, sample, subject.sealing.current)
    const opened = await open(subject.dialect, sealed, noKeys, { at: null, toleranceMs: null })
    assert.ok(!opened.ok, `${sample.type} opened without a key`)
  }
}

async function sameDeliveryHasOneKey(subject: LawSubject): Promise<void> {
  const keys = new Map<string, Notification>()
  for (const sample of subject.samples) {
    const sealed = sealSample(subject, sample, subject.sealing.current)
    const first = requireOpen(await openSample(subject, sealed, sample), sample.type)
    const second = requireOpen(await openSample(subject, sealed, sample), sample.type)
    assert.equal(first.dedupe, second.dedupe, `${sample.type} told twice has two keys`)
    const other = keys.get(first.dedupe)
    if (other !== undefined) assert.deepEqual(other, sample, `${other.type} and ${sample.type} share a key`)
    keys.set(first.dedupe, sample)
  }
}

function samplesAreUnderstood({ dialect, samples }: LawSubject): void {
  for (const sample of samples) {
    const decoded = dialect.decode(sample)
    assert.equal(decoded.unknown, false, `${sample.type} is unknown`)
    assert.deepEqual(decoded.problems, [], `${sample.type} has problems`)
    assert.deepEqual(dialect.decode(sample), decoded, `${sample.type} decodes differently the second time`)
  }
}

function unknownTypesTellNothing({ dialect, samples }: LawSubject): void {
  for (const sample of samples) {
    for (const type of ['', 'constructor', `${sample.type}.new`]) {
      const decoded = dialect.decode({ ...sample, type })
      assert.deepEqual(decoded, { observations: [], unknown: true, problems: [] }, `the type ${JSON.stringify(type)}`)
    }
  }
}

function retriesAreSound({ dialect: { retry } }: LawSubject): void {
  let before = 0
  for (const offset of retry.offsetsMs) {
    assert.ok(offset > before, `the offset ${offset} does not follow ${before}`)
    before = offset
  }
  assert.ok(before <= retry.giveUpAfterMs, 'the last attempt is made after the sender has given up')
  assert.ok(retry.jitter >= 0 && retry.jitter < 1, 'the jitter is no share')
  assert.notEqual(retry.source, '', 'the retries have no source')
}

function acknowledgementIsTaken({ dialect: { acknowledgement, retry } }: LawSubject): void {
  assert.ok(acknowledgement.length > 0, 'nothing acknowledges')
  for (const status of acknowledgement) {
    const taken = retry.acknowledged === '2xx' ? status >= 200 && status <= 299 : retry.acknowledged.includes(status)
    assert.ok(taken, `${status} is answered but repeated all the same`)
  }
}

async function newSecretsWork(subject: LawSubject): Promise<void> {
  const [sample] = subject.samples
  const made = subject.dialect.newSecret(new Uint8Array(32).fill(1))
  if (made === null || sample === undefined) return
  assert.notEqual(made, subject.dialect.newSecret(new Uint8Array(32).fill(2)), 'two new secrets are the same')
  const sealed = sealSample(subject, sample, { secrets: [made], signingKey: null })
  const keys: OpeningKeys = { secrets: [{ text: made, from: null, until: null }], publicKey: null }
  const opened = await open(subject.dialect, sealed, keys, { at: sendTime(sample), toleranceMs: null })
  requireOpen(opened, 'a delivery sealed with a new secret')
}

/** The time of an encoded event: that of what it tells. */
function originOf(told: Told): { readonly fact: string; readonly at: Instant } {
  return { fact: `fact/${told.kind}/${told.subject}`, at: told.at }
}

/** A fact that no type can carry is told in the nearest form there is, or not at all: the provider has no word for it. */
function tellsWhatItCanCarry({ dialect, tellings }: LawSubject): void {
  const carries = new Map(dialect.catalogue.map((entry) => [entry.type, new Set<string>(entry.carries)]))
  const sayable = new Set(dialect.catalogue.flatMap((entry): readonly string[] => entry.carries))
  for (const { told, view } of tellings) {
    const notifications = dialect.encode(told, view, originOf(told))
    assert.deepEqual(dialect.encode(told, view, originOf(told)), notifications, `${told.kind} is told in two ways`)
    const types = notifications.map(({ type }) => type)
    for (const type of types) assert.ok(carries.has(type), `${told.kind} is told as ${type}: not in the catalogue`)
    if (types.length === 0 || !sayable.has(told.kind)) continue
    const carried = types.some((type) => carries.get(type)?.has(told.kind) === true)
    assert.ok(carried, `${told.kind} is told as ${types.join(', ')}, which by the catalogue cannot carry it`)
  }
}

async function tellingsAreUnderstood(subject: LawSubject): Promise<void> {
  for (const { told, view } of subject.tellings) {
    for (const notification of subject.dialect.encode(told, view, originOf(told))) {
      const what = `${told.kind} as ${notification.type}`
      const sealed = sealSample(subject, notification, subject.sealing.current)
      const opened = requireOpen(await openSample(subject, sealed, notification), what)
      assert.deepEqual(opened.notification, notification, `${what} came back changed`)
      const decoded = subject.dialect.decode(opened.notification)
      assert.deepEqual({ unknown: decoded.unknown, problems: decoded.problems }, { unknown: false, problems: [] }, what)
    }
  }
}

/** The same change told again has the same ids, another change has others. */
function eventIdsFollowFromTheirOrigin({ dialect, tellings }: LawSubject): void {
  for (const { told, view } of tellings) {
    const first = dialect.encode(told, view, originOf(told))
    const other = dialect.encode(told, view, { fact: 'another fact', at: told.at })
    const ids = new Set(first.flatMap(({ id }) => (id === null ? [] : [id])))
    for (const { id } of other) assert.ok(id === null || !ids.has(id), `${told.kind} told of two facts has one id`)
  }
}

/** Every law that needs no generated input. */
export const DIALECT_LAWS: readonly Law[] = [
  { name: 'every type of the catalogue is unique and has a meaning and a source', check: catalogueIsSound },
  { name: 'every sample’s type is in the catalogue', check: samplesAreInCatalogue },
  { name: 'what is sealed opens as the same notification', check: sealedOpens },
  { name: 'an older live secret still opens', check: olderSecretOpens },
  { name: 'an expired secret opens nothing', check: expiredSecretIsRefused },
  { name: 'nothing opens without a key', check: nothingOpensWithoutKeys },
  { name: 'a delivery told twice has one key, another has another', check: sameDeliveryHasOneKey },
  { name: 'every sample is understood without a problem, twice the same', check: samplesAreUnderstood },
  { name: 'a type that is not known tells nothing', check: unknownTypesTellNothing },
  { name: 'retries rise and end', check: retriesAreSound },
  { name: 'what is answered is taken for an acknowledgement', check: acknowledgementIsTaken },
  { name: 'a new secret seals and opens', check: newSecretsWork },
  { name: 'a fact is told in types that can carry it', check: tellsWhatItCanCarry },
  { name: 'what is told opens and is understood', check: tellingsAreUnderstood },
  { name: 'event ids follow from the change they tell', check: eventIdsFollowFromTheirOrigin },
]

/** Law: a delivery with one changed bit in its body does not open. */
export async function refusesChangedBit(
  subject: LawSubject,
  input: { readonly sample: number; readonly position: number; readonly bit: number },
): Promise<void> {
  const sample = pick(subject.samples, input.sample)
  const sealed = sealSample(subject, sample, subject.sealing.current)
  const body = Uint8Array.from(sealed.body)
  const position = input.position % body.length
  body[position] = (body[position] ?? 0) ^ (1 << (input.bit % 8))
  const opened = await openSample(subject, { ...sealed, body }, sample)
  assert.ok(!opened.ok, `${sample.type} opened with byte ${position} changed`)
  assert.ok(Object.hasOwn(REFUSALS, opened.reason))
}

/** Law: whatever the body of a known type is, decoding does not throw, and what it gives is well formed. */
export function decodesAnything(
  subject: LawSubject,
  input: { readonly type: number; readonly body: JsonObject },
): void {
  const { type } = pick(subject.dialect.catalogue, input.type)
  const sample = pick(subject.samples, input.type)
  checkDecoded(subject.dialect.decode({ ...sample, type, body: input.body }))
}

/** Law: the same for a true body in which one value was replaced. */
export function decodesMutated(
  subject: LawSubject,
  input: { readonly sample: number; readonly place: number; readonly value: Json },
): void {
  const sample = pick(subject.samples, input.sample)
  const body = replaceAt(sample.body, input.place % Math.max(countPlaces(sample.body), 1), input.value)
  if (isObject(body)) checkDecoded(subject.dialect.decode({ ...sample, body }))
}

function checkDecoded(decoded: Decoded): void {
  for (const observation of decoded.observations) {
    assert.ok(Number.isSafeInteger(observation.stamp), 'an observation has no time')
    if (observation.kind === 'happening') assert.notEqual(observation.key, '', 'a happening has no key')
    else assert.equal(typeof observation.id, 'string', 'an observation has no id')
  }
  for (const problem of decoded.problems) assert.notEqual(problem.message, '', 'a problem says nothing')
}

function pick<T>(list: readonly T[], index: number): T {
  const found = list[index % Math.max(list.length, 1)]
  if (found === undefined) assert.fail('the list is empty')
  return found
}

/** How many values stand inside a value. */
function countPlaces(value: Json): number {
  const inner = isObject(value) ? Object.values(value) : Array.isArray(value) ? value : []
  return inner.reduce<number>((sum, member: Json) => sum + 1 + countPlaces(member), 0)
}

/** The value with the one at `place` replaced, counted from 0 in the order of {@link countPlaces}. */
function replaceAt(value: Json, place: number, by: Json): Json {
  let left = place
  const walk = (member: Json): Json => {
    if (left === 0) {
      left -= 1
      return by
    }
    left -= 1
    return left < 0 ? member : inside(member)
  }
  const inside = (member: Json): Json => {
    if (isObject(member)) return Object.fromEntries(Object.entries(member).map(([key, each]) => [key, walk(each)]))
    return Array.isArray(member) ? member.map((each: Json) => walk(each)) : member
  }
  return inside(value)
}
