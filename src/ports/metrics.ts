/** Labels of a metric; their values must come from small closed sets. */
export type MetricLabels = Readonly<Record<string, string>>

/** Counters, gauges and histograms, printed as Prometheus text by the server. Names start with `billhook_`. */
export interface Metrics {
  count(name: string, labels?: MetricLabels, by?: number): void
  gauge(name: string, value: number, labels?: MetricLabels): void
  /** @param seconds an observed duration */
  observe(name: string, seconds: number, labels?: MetricLabels): void
}

/** What each metric means; docs/metrics.md is generated from this table and a test compares it with what is counted. */
export const METRICS = {
  billhook_ingest_seconds: { type: 'histogram', labels: [], help: 'Time from a received delivery to its answer.' },
  billhook_inbox_received_total: {
    type: 'counter',
    labels: ['source', 'verdict'],
    help: 'Deliveries received, by source and verdict (ok, or the reason of a refusal).',
  },
  billhook_inbox_unknown_source_total: {
    type: 'counter',
    labels: [],
    help: 'Deliveries for a source that does not exist.',
  },
  billhook_inbox_store_failures_total: {
    type: 'counter',
    labels: [],
    help: 'Deliveries answered with 503 because they could not be stored.',
  },
  billhook_inbox_backlog: { type: 'gauge', labels: [], help: 'Deliveries that are stored and not folded yet.' },
  billhook_inbox_folded_total: { type: 'counter', labels: [], help: 'Deliveries folded by this process.' },
  billhook_inbox_dead_total: {
    type: 'counter',
    labels: ['source'],
    help: 'Deliveries that could not be folded; each can be replayed.',
  },
  billhook_inbox_problems_total: {
    type: 'counter',
    labels: ['source'],
    help: 'Parts of verified deliveries that could not be understood.',
  },
  billhook_inbox_altered_events_total: {
    type: 'counter',
    labels: ['source'],
    help: 'Events that came again with the same signed id and other bytes.',
  },
  billhook_inbox_stale_total: {
    type: 'counter',
    labels: ['source'],
    help: 'Customers of whom something expected (a renewal, a retry) did not come in time.',
  },
  billhook_reactions_waiting: { type: 'gauge', labels: [], help: 'Handler calls that are waiting.' },
  billhook_reactions_total: {
    type: 'counter',
    labels: ['kind', 'outcome'],
    help: 'Handler calls, by kind of fact and outcome (done, failed).',
  },
  billhook_events_published_total: { type: 'counter', labels: [], help: 'Events stored to be sent.' },
  billhook_delivery_attempts_total: {
    type: 'counter',
    labels: ['outcome'],
    help: 'Attempts to deliver an event to an endpoint, by outcome.',
  },
  billhook_delivery_attempt_seconds: {
    type: 'histogram',
    labels: [],
    help: 'Time of one attempt, from the connection to the end of the answer.',
  },
  billhook_deliveries_settled_total: {
    type: 'counter',
    labels: ['outcome'],
    help: 'Outgoing deliveries that need no further attempt, by outcome.',
  },
  billhook_delivery_leases_lost_total: {
    type: 'counter',
    labels: [],
    help: 'Attempts whose result another process had taken over.',
  },
  billhook_delivery_memory: {
    type: 'gauge',
    labels: [],
    help: 'Outgoing deliveries that this process holds in memory.',
  },
  billhook_endpoints_failing_total: { type: 'counter', labels: [], help: 'Endpoints that began to fail.' },
  billhook_endpoints_disabled_total: {
    type: 'counter',
    labels: ['reason'],
    help: 'Endpoints that were disabled, by reason.',
  },
} as const satisfies Readonly<
  Record<
    string,
    {
      readonly type: 'counter' | 'gauge' | 'histogram'
      readonly labels: readonly string[]
      readonly help: string
    }
  >
>
