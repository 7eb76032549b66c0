import { formatDuration } from '../model/duration.ts'
import { formatInstantShort } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { AttemptResult } from '../ports/delivery_store.ts'
import type { DisabledReason, Endpoint, HealthDue, HealthReport } from '../ports/endpoint_store.ts'
import type { Transaction } from '../ports/transaction.ts'
import type { ActiveEndpoint, ActiveEndpoints } from './active_endpoints.ts'
import { healthStep } from './health_plan.ts'
import { SUCCESS_REPORT_MS } from './limits.ts'
import type { OperatorEvents } from './operator_events.ts'
import type { DeliveryPorts } from './ports.ts'

/** How often a change that somebody else made at the same moment is tried again. */
const TRIES = 5

/**
 * The health of endpoints: collected from results, looked at when their policies say so. A stretch of failures begins
 * with the first failure after a success and is in the store, so every node sees the same one.
 */
export class EndpointHealthKeeper {
  readonly #ports: Pick<DeliveryPorts, 'endpoints' | 'transactions' | 'logger' | 'metrics'>
  readonly #active: ActiveEndpoints
  readonly #operator: OperatorEvents
  /** When a success was last written, by endpoint; absent while the endpoint fails. Only saves writes. */
  readonly #healthy = new Map<string, Instant>()

  constructor(
    ports: Pick<DeliveryPorts, 'endpoints' | 'transactions' | 'logger' | 'metrics'>,
    active: ActiveEndpoints,
    operator: OperatorEvents,
  ) {
    this.#ports = ports
    this.#active = active
    this.#operator = operator
  }

  /** Writes what a batch of results, in the order in which they came, says about their endpoints. */
  async report(
    results: readonly {
      readonly result: AttemptResult
      readonly acknowledged: boolean
      readonly active: ActiveEndpoint
    }[],
  ): Promise<void> {
    const reports = new Map<string, HealthReport>()
    for (const { result, acknowledged, active } of results) {
      const key = `${result.account} ${result.endpoint}`
      const before = reports.get(key)
      reports.set(key, merge(before, result, acknowledged, active))
    }
    const worth = [...reports].filter(([key, report]) => this.#isWorthWriting(key, report)).map(([, report]) => report)
    await this.#ports.endpoints.reportHealth(worth)
  }

  #isWorthWriting(key: string, report: HealthReport): boolean {
    if (report.failingSince !== null || report.lastSuccessAt === null) {
      this.#healthy.delete(key)
      return true
    }
    const written = this.#healthy.get(key)
    if (written !== undefined && report.lastSuccessAt - written < SUCCESS_REPORT_MS && report.lastSuccessAt >= written)
      return false
    if (this.#healthy.size > 100_000) this.#healthy.clear()
    this.#healthy.set(key, report.lastSuccessAt)
    return true
  }

  /** Does what the endpoint's policy asks for at `now`: warns, disables, or looks again later. */
  async check(due: HealthDue, now: Instant, clock: 'real' | 'test'): Promise<void> {
    await this.#ports.transactions.transaction(async (transaction) => {
      const endpoint = await this.#ports.endpoints.one(transaction, due.account, due.endpoint)
      if (endpoint === null) return
      const policy = endpoint.retry ?? (await this.#active.one(due.account, due.endpoint))?.policy
      const { health } = endpoint
      const step = policy === undefined ? { kind: 'none' as const } : healthStep(policy, health, now)
      const over = endpoint.state === 'disabled' || step.kind === 'none'
      const checkAt = over || step.kind === 'disable' ? null : step.checkAt
      const warnedAt = step.kind === 'warn' ? now : health.warnedAt
      // Another node, or a success, was quicker.
      if (!(await this.#ports.endpoints.markHealth(transaction, due, health.failingSince, { checkAt, warnedAt })))
        return
      if (over || step.kind === 'wait') return
      if (step.kind === 'warn') await this.#warn(transaction, endpoint, now, clock)
      else await this.#disable(transaction, endpoint, 'failing', { now, clock })
    })
    await this.#active.refresh()
  }

  /** Disables an endpoint that answered 410. */
  async gone(account: string, id: string, now: Instant, clock: 'real' | 'test'): Promise<void> {
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      const done = await this.#ports.transactions.transaction(async (transaction) => {
        const endpoint = await this.#ports.endpoints.one(transaction, account, id)
        if (endpoint === null || endpoint.state === 'disabled') return true
        return this.#disable(transaction, endpoint, 'gone', { now, clock })
      })
      if (done) break
    }
    await this.#active.refresh()
  }

  async #warn(transaction: Transaction, endpoint: Endpoint, now: Instant, clock: 'real' | 'test'): Promise<void> {
    const { account, id, url, health } = endpoint
    const since = health.failingSince ?? now
    this.#ports.logger.warn({ account, endpoint: id }, 'endpoint is failing')
    this.#ports.metrics.count('billhook_endpoints_failing_total')
    await this.#operator.store(transaction, [
      { account, type: 'endpoint.failing', endpoint: id, clock, at: now, data: { url, failing_since: since } },
    ])
    await this.#operator.mail(transaction, endpoint, {
      key: `endpoint-failing-${account}-${id}-${since}`,
      subject: `Webhook endpoint ${id} is failing`,
      text: [
        `No delivery to ${url} has succeeded since ${formatInstantShort(since)} (${formatDuration(now - since)}).`,
        'Deliveries are still being retried. If this goes on, the endpoint will be disabled.',
        `Look at its last attempts: billhook deliveries list --endpoint ${id}`,
      ].join('\n\n'),
    })
  }

  async #disable(
    transaction: Transaction,
    endpoint: Endpoint,
    reason: DisabledReason,
    at: { readonly now: Instant; readonly clock: 'real' | 'test' },
  ): Promise<boolean> {
    const { account, id, url, health } = endpoint
    const changed = await this.#ports.endpoints.replace(transaction, {
      ...endpoint,
      state: 'disabled',
      disabledReason: reason,
      updatedAt: at.now,
      revision: endpoint.revision + 1,
    })
    if (!changed) return false
    this.#ports.logger.warn({ account, endpoint: id, reason }, 'endpoint disabled')
    this.#ports.metrics.count('billhook_endpoints_disabled_total', { reason })
    const since = health.failingSince ?? at.now
    const data = { url, reason, failing_since: health.failingSince }
    await this.#operator.store(transaction, [
      { account, type: 'endpoint.disabled', endpoint: id, clock: at.clock, at: at.now, data },
    ])
    const why =
      reason === 'gone'
        ? `${url} answered 410 Gone.`
        : `No delivery to ${url} has succeeded since ${formatInstantShort(since)}.`
    await this.#operator.mail(transaction, endpoint, {
      key: `endpoint-disabled-${account}-${id}-${at.now}`,
      subject: `Webhook endpoint ${id} was disabled`,
      text: [
        `${why} The endpoint was disabled at ${formatInstantShort(at.now)}.`,
        'Its events are kept as skipped. Enable it again and replay them:',
        `billhook endpoints enable ${id}\nbillhook replays create --endpoint ${id} --from ${formatInstantShort(since)}`,
      ].join('\n\n'),
    })
    return true
  }
}

function merge(
  before: HealthReport | undefined,
  result: AttemptResult,
  acknowledged: boolean,
  active: ActiveEndpoint,
): HealthReport {
  const { account, endpoint, clock, at } = result
  const base = { account, endpoint, clock }
  if (acknowledged)
    return {
      ...base,
      lastSuccessAt: at,
      lastFailureAt: before?.lastFailureAt ?? null,
      failingSince: null,
      checkAt: null,
    }
  const failingSince = before?.failingSince ?? at
  const step = healthStep(active.policy, { failingSince, warnedAt: null }, failingSince)
  return {
    ...base,
    lastSuccessAt: before?.lastSuccessAt ?? null,
    lastFailureAt: at,
    failingSince,
    checkAt: step.kind === 'wait' ? step.checkAt : step.kind === 'none' ? null : failingSince,
  }
}
