import { accessOf } from '../ledger/access.ts'
import type { LinkedState } from '../ledger/access.ts'
import { asOf, fold } from '../ledger/fold.ts'
import type { SourceTraits } from '../ledger/standing.ts'
import type { SubjectState } from '../ledger/state.ts'
import { usageOf } from '../ledger/usage.ts'
import type { AccessAnswer, Hold, Reason, UsageAnswer } from '../model/access.ts'
import { BillhookError } from '../model/error.ts'
import { isObject, readModel, writeModel } from '../model/json.ts'
import { earliest } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { Link } from '../ports/access_store.ts'
import type { Clock } from '../ports/clock.ts'
import type { InboxStore } from '../ports/inbox_store.ts'
import type { GroupRow, SourceRef } from '../ports/ledger_store.ts'
import { observationsIn, readState } from './ledger_texts.ts'
import type { PolicyBook } from './policies.ts'
import type { IdSource } from './receipt_ids.ts'
import type { SourceBook } from './sources.ts'

/** Whom is asked about: a user of the app, or one customer of one source. */
export type Subject = { readonly user: string } | { readonly source: string; readonly customer: string }

/** Refines a question about access. */
export interface AccessOptions {
  /** The instant that is asked about; now if it is left out. The past is answered from what had happened by then. */
  readonly at?: Instant | undefined
  /** Whether this feature may be used. */
  readonly feature?: string | undefined
}

/** What a hold is made of. */
export interface NewHold {
  readonly account: string
  readonly user: string
  readonly kind: Hold['kind']
  readonly reason: string
  readonly from?: Instant | null
  readonly until?: Instant | null
  readonly features?: readonly string[]
  readonly level?: Hold['level']
}

/** What answers about access are made from. */
export interface AccessPorts {
  readonly store: InboxStore
  readonly sources: SourceBook
  readonly policies: PolicyBook
  readonly traits: (dialect: string) => SourceTraits | null
  readonly clock: Clock
  readonly newId: IdSource
}

/** States that are kept parsed, by group and version. */
const MAX_STATES = 5_000

interface Found extends LinkedState {
  readonly stale: string | null
}

/** Answers who may use what, computed when it is asked; and keeps what the app itself says about its users. */
export class AccessDesk {
  readonly #ports: AccessPorts
  readonly #states = new Map<string, { readonly version: number; readonly state: SubjectState }>()

  constructor(ports: AccessPorts) {
    this.#ports = ports
  }

  /** What the subject may use, and why. @throws BillhookError `unknown_source` */
  async read(account: string, subject: Subject, options: AccessOptions = {}): Promise<AccessAnswer> {
    const now = this.#ports.clock.now()
    const at = options.at ?? now
    const policy = await this.#ports.policies.current(account)
    const links = await this.#links(account, subject, at < now ? at : null)
    // A name that is misspelt must not pass for a customer who has paid nothing. What a removed source told still counts.
    if (links.length === 0 && 'source' in subject) await this.#ports.sources.require(account, subject.source)
    const holds = 'user' in subject ? await this.holds(account, subject.user) : []
    const answer = accessOf({ links, holds, policy, at, feature: options.feature ?? null })
    const stale = links.flatMap((link) => (link.stale === null ? [] : [staleReason(link)]))
    return stale.length === 0 ? answer : { ...answer, sure: false, why: [...answer.why, ...stale] }
  }

  /** How much is used of each meter in the current cycle. */
  async usage(account: string, subject: Subject, at?: Instant): Promise<readonly UsageAnswer[]> {
    const now = this.#ports.clock.now()
    const policy = await this.#ports.policies.current(account)
    const links = await this.#links(account, subject, at !== undefined && at < now ? at : null)
    return links.flatMap(({ source, customer, state }) =>
      usageOf({ source, state, policy, at: at ?? now }).filter((usage) => usage.customer === customer),
    )
  }

  /** Says that the app's user is this customer. @returns false if that was said before */
  async link(account: string, user: string, source: string, customer: string): Promise<boolean> {
    if (user === '' || customer === '')
      throw new BillhookError('invalid_request', 'a link needs a user and a customer, and neither may be empty')
    await this.#ports.sources.require(account, source)
    const createdAt = this.#ports.clock.now()
    return (
      (await this.#ports.store.access.addLinks(null, [
        { account, user, source, customer, origin: 'app', createdAt },
      ])) === 1
    )
  }

  async unlink(account: string, user: string, source: string, customer: string): Promise<boolean> {
    return this.#ports.store.access.removeLink({ account, user, source, customer })
  }

  async links(account: string, user: string): Promise<readonly Link[]> {
    return this.#ports.store.access.linksOfUser(account, user)
  }

  /** @throws BillhookError `invalid_request` if it would never hold */
  async hold(wanted: NewHold): Promise<Hold> {
    const { account, user, kind, reason, until = null, features = [], level = 'full' } = wanted
    const now = this.#ports.clock.now()
    const from = wanted.from ?? now
    if (until !== null && until <= from)
      throw new BillhookError('invalid_request', 'the hold ends before it starts', { details: { field: 'until' } })
    const hold: Hold = { id: this.#ports.newId(now), kind, reason, from, until, features, level }
    await this.#ports.store.access.addHold({ account, id: hold.id, user, data: writeModel(hold), removedAt: null })
    return hold
  }

  /** Ends a hold now. @returns false if there is none, or it was ended before */
  async removeHold(account: string, id: string): Promise<boolean> {
    return this.#ports.store.access.removeHold(account, id, this.#ports.clock.now())
  }

  /** All holds of a user; one that was removed ended when it was. */
  async holds(account: string, user: string): Promise<readonly Hold[]> {
    const rows = await this.#ports.store.access.holds(account, user)
    return rows.map(({ data, removedAt }) => {
      const hold = readHold(data)
      if (removedAt === null) return hold
      return { ...hold, until: hold.until === null ? removedAt : earliest(hold.until, removedAt) }
    })
  }

  async #links(account: string, subject: Subject, past: Instant | null): Promise<readonly Found[]> {
    const customers = 'user' in subject ? await this.#ports.store.access.linksOfUser(account, subject.user) : [subject]
    const bySource = Map.groupBy(customers, ({ source }) => source)
    const found = await Promise.all(
      [...bySource].map(([source, linked]) =>
        this.#statesOf(
          { account, source },
          linked.map(({ customer }) => customer),
          past,
        ),
      ),
    )
    return found.flat()
  }

  async #statesOf(of: SourceRef, customers: readonly string[], past: Instant | null): Promise<readonly Found[]> {
    const { store, sources, traits } = this.#ports
    const groups = await store.ledger.groupsOf(
      null,
      of,
      customers.map((customer) => `customer:${customer}`),
    )
    if (groups.length === 0) return []
    const source = await sources.find(of.account, of.source)
    const own = source === null ? null : traits(source.dialect.id)
    return Promise.all(
      groups.map(async (group) => ({
        source: of.source,
        customer: group.reference.slice('customer:'.length),
        state: past === null ? this.#stateOf(of, group) : await this.#pastState(of, group, past),
        traits: own,
        stale: past === null ? group.stale : null,
      })),
    )
  }

  #stateOf(of: SourceRef, group: GroupRow): SubjectState {
    const key = `${of.account}\n${of.source}\n${group.id}`
    const known = this.#states.get(key)
    if (known !== undefined && known.version === group.version) return known.state
    const state = readState(group.state)
    if (this.#states.size >= MAX_STATES) this.#states.clear()
    this.#states.set(key, { version: group.version, state })
    return state
  }

  async #pastState(of: SourceRef, group: GroupRow, at: Instant): Promise<SubjectState> {
    const rows = await this.#ports.store.ledger.observationsOf(null, of, [group.id])
    return fold(asOf(observationsIn(rows), at), { policy: await this.#ports.policies.current(of.account) }).state
  }
}

function staleReason(link: Found): Reason {
  const words = `may be out of date: ${link.stale ?? ''}`
  return { fact: null, key: null, at: null, source: link.source, subscription: null, words }
}

function readHold(text: string): Hold {
  const hold = readModel(text)
  if (isHold(hold)) return hold
  throw new BillhookError('internal_invariant', 'the store holds a hold that cannot be read')
}

function isHold(value: unknown): value is Hold {
  return isObject(value) && typeof value['id'] === 'string' && Array.isArray(value['features'])
}
