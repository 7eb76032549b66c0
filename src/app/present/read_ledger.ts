/** What the ledger and the inbox know, as the API shows it. */
import { decodeDelivery } from '../../inbox/process.ts'
import { readFact, readKnown } from '../../inbox/ledger_texts.ts'
import { BillhookError } from '../../model/error.ts'
import type { Json, JsonObject } from '../../model/json.ts'
import type { ObjectKind } from '../../model/objects.ts'
import type { FactQuery, FactRow, ObjectQuery, ObjectRow, SourceRef } from '../../ports/ledger_store.ts'
import type { Received } from '../../ports/received_store.ts'
import type { App } from '../create.ts'
import { present, presentInstant, presentObjectOf } from './present.ts'

/** What a delivery says, decoded now: an answer follows the decoder of today, not that of the day it came. */
export async function readDelivery(app: App, account: string, id: string): Promise<JsonObject> {
  const { store, sources } = app.inbox
  const delivery = await requireDelivery(app, account, id)
  const raw = delivery.verdict === 'ok' ? await store.received.raw(account, id) : null
  const source = await sources.find(account, delivery.source)
  if (raw === null || source === null) {
    return { delivery: presentDelivery(delivery), notification: null, observations: [], unknown: false, problems: [] }
  }
  const { notification, decoded } = decodeDelivery(source, { ...delivery, ...raw })
  return {
    delivery: presentDelivery(delivery),
    notification:
      notification === null
        ? null
        : {
            id: notification.id,
            type: notification.type,
            createdAt: presentInstant(notification.createdAt),
            account: notification.account,
            body: notification.body,
          },
    observations: present(decoded.observations),
    unknown: decoded.unknown,
    problems: present(decoded.problems),
  }
}

/** A delivery as the API shows it: everything in an answer is the caller's own account's. */
export function presentDelivery({ account: _account, ...shown }: Received): Json {
  return present(shown)
}

/** @throws BillhookError `not_found` */
async function requireDelivery(app: App, account: string, id: string): Promise<Received> {
  const delivery = await app.inbox.store.received.received(account, id)
  if (delivery === null) throw new BillhookError('not_found', `no delivery has the id ${id}`)
  return delivery
}

/** @throws BillhookError `not_found` also if the bytes were removed when their time was over */
export async function requireRaw(
  app: App,
  account: string,
  id: string,
): Promise<{ readonly headers: JsonObject; readonly body: Uint8Array }> {
  await requireDelivery(app, account, id)
  const raw = await app.inbox.store.received.raw(account, id)
  if (raw === null) throw new BillhookError('not_found', `the bytes of the delivery ${id} are no longer kept`)
  const headers = Object.entries(raw.headers).map(([name, value]): [string, Json] => [name, present(value)])
  return { headers: Object.fromEntries(headers), body: raw.body }
}

/** Objects of one kind. */
export async function listObjects(app: App, query: ObjectQuery): Promise<readonly JsonObject[]> {
  return (await app.inbox.store.ledger.objects(query)).map(showObject)
}

/** @throws BillhookError `not_found` */
export async function readObject(app: App, of: SourceRef, kind: ObjectKind, id: string): Promise<JsonObject> {
  const row = await app.inbox.store.ledger.object(of, kind, id)
  if (row === null) throw new BillhookError('not_found', `the source ${of.source} knows no ${kind} ${id}`)
  return showObject({ ...row, ...of })
}

function showObject(row: ObjectRow & SourceRef): JsonObject {
  const { value, sure, stamp } = readKnown(row.data)
  return {
    source: row.source,
    kind: row.kind,
    id: row.id,
    value: present(value),
    sure,
    stamp: presentInstant(stamp),
  }
}

/** Facts, newest first; each with what the next page begins after. */
export async function listFacts(
  app: App,
  query: FactQuery,
): Promise<readonly { readonly shown: JsonObject; readonly row: FactRow & SourceRef }[]> {
  return (await app.inbox.store.ledger.facts(query)).map((row) => ({ row, shown: showFact(row) }))
}

/** @throws BillhookError `not_found` */
export async function readOneFact(app: App, of: SourceRef, key: string): Promise<JsonObject> {
  const row = await app.inbox.store.ledger.fact(of, key)
  if (row === null) throw new BillhookError('not_found', `the source ${of.source} has no fact with the key ${key}`)
  return showFact({ ...row, ...of })
}

function showFact(row: FactRow & SourceRef): JsonObject {
  const { kind, at, customer, subscription, subject, detail, sure, evidence } = readFact(row.data)
  const { key, delivery, toldAt, retractedAt, source } = row
  const said = { source, key, kind, at, customer, subscription, subject, detail, sure, evidence }
  return presentObjectOf({ ...said, delivery, toldAt, retractedAt })
}
