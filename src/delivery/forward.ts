import { BillhookError } from '../model/error.ts'
import { isObject } from '../model/json.ts'
import { NO_VIEW } from '../model/entities.ts'
import type { View } from '../model/entities.ts'
import type { DerivedFact } from '../model/facts.ts'
import type { ForwardedDelivery } from '../ports/delivery_forwarder.ts'
import type { PublishedEvent } from '../ports/outbox.ts'
import type { Transaction } from '../ports/transaction.ts'
import { sha256Hex } from '../wire/hmac.ts'
import { STANDARD } from './operator_events.ts'
import type { DeliveryPorts } from './ports.ts'
import type { NewEvent, Publisher } from './publisher.ts'

/** Under this type goes what names no type of its own. */
const RECEIVED_TYPE = 'delivery.received'

/**
 * Sends on what was received. Facts go out as Standard Webhooks, with what the ledger knows and nothing else: the objects
 * of the sending end are not there, so their members are null. Deliveries go out with their exact bytes, signed again. Into
 * another provider's form nothing is forwarded: it would need fields that nobody received.
 */
export class Forwarder {
  readonly #publisher: Publisher
  readonly #ports: Pick<DeliveryPorts, 'dialect'>

  constructor(publisher: Publisher, ports: Pick<DeliveryPorts, 'dialect'>) {
    this.#publisher = publisher
    this.#ports = ports
  }

  /** The same fact again is not sent again. @param transaction null: a transaction of its own */
  forwardFacts(
    transaction: Transaction | null,
    account: string,
    facts: readonly DerivedFact[],
  ): Promise<readonly PublishedEvent[]> {
    const standard = this.#ports.dialect(STANDARD)
    if (standard === null)
      throw new BillhookError('unknown_dialect', `there is no dialect ${STANDARD}: facts cannot be forwarded`)
    const view: View = { ...NO_VIEW, account }
    const events = facts.flatMap((fact) =>
      standard.encode(fact, view, { fact: fact.key, at: fact.at }).map((notification, i): NewEvent => {
        const { data } = notification.body
        const known = { key: fact.key, sure: fact.sure, evidence: fact.evidence }
        const body = {
          ...notification.body,
          data: isObject(data) ? { ...data, ...known } : known,
        }
        return {
          content: { kind: 'notification', dialect: STANDARD, notification: { ...notification, body } },
          key: keyOf(`fact:${fact.key}:${i}`),
          subject: fact.subscription ?? fact.customer ?? fact.subject,
          customer: fact.customer,
          endpoint: null,
        }
      }),
    )
    return this.#publish(transaction, account, events)
  }

  /** The same delivery again is not sent again. @param transaction null: a transaction of its own */
  forwardDeliveries(
    transaction: Transaction | null,
    account: string,
    deliveries: readonly ForwardedDelivery[],
  ): Promise<readonly PublishedEvent[]> {
    const events = deliveries.map(({ source, dedupe, type, bytes, contentType }): NewEvent => ({
      content: {
        kind: 'raw',
        type: /^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,254}$/.test(type) ? type : RECEIVED_TYPE,
        bytes,
        contentType,
      },
      key: keyOf(`raw:${source}:${dedupe}`),
      subject: null,
      customer: null,
      endpoint: null,
    }))
    return this.#publish(transaction, account, events)
  }

  #publish(
    transaction: Transaction | null,
    account: string,
    events: readonly NewEvent[],
  ): Promise<readonly PublishedEvent[]> {
    if (transaction === null) return this.#publisher.publish(account, events)
    return this.#publisher.publishIn(transaction, account, events)
  }
}

/** Keys are bounded; what is longer is told apart by its hash. */
function keyOf(text: string): string {
  return text.length <= 255 ? text : `sha256:${sha256Hex(text)}`
}
