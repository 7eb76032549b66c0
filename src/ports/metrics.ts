/** Labels of a metric; their values must come from small closed sets. */
export type MetricLabels = Readonly<Record<string, string>>

/** Counters, gauges and histograms, printed as Prometheus text by the server. Names start with `billhook_`. */
export interface Metrics {
  count(name: string, labels?: MetricLabels, by?: number): void
  gauge(name: string, value: number, labels?: MetricLabels): void
  /** @param seconds an observed duration */
  observe(name: string, seconds: number, labels?: MetricLabels): void
}
