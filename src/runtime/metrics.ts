import { compareText } from '../model/compare.ts'
import { BillhookError } from '../model/error.ts'
import { METRICS } from '../ports/metrics.ts'
import type { MetricLabels, Metrics } from '../ports/metrics.ts'

/** Metrics that can be printed. */
export interface PrometheusMetrics extends Metrics {
  /** All of them in Prometheus' text format 0.0.4, sorted, so that equal states print equal texts. */
  print(): string
}

/** Upper bounds of a histogram's buckets, in seconds: an answer takes milliseconds, a delivery up to half a minute. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** More label combinations than this of one metric are a mistake (an id used as a label); further ones are left out. */
export const MAX_SERIES = 1_000

interface Histogram {
  readonly counts: number[]
  sum: number
  count: number
}

type Series = Map<string, number | Histogram>

interface Family {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly series: Series
}

const NAME = /^billhook_[a-z0-9_]+$/

/** Counters, gauges and histograms kept in memory. */
export function createMetrics(): PrometheusMetrics {
  const families = new Map<string, Family>()

  const seriesOf = (name: string, type: Family['type']): Series => {
    const family = families.get(name)
    if (family !== undefined && family.type === type) return family.series
    if (family !== undefined || !NAME.test(name))
      throw new BillhookError('internal_invariant', `the metric ${name} is not a ${type}, or has a wrong name`)
    const series: Series = new Map()
    families.set(name, { type, series })
    return series
  }

  return {
    count(name, labels = {}, by = 1) {
      const series = seriesOf(name, 'counter')
      const key = keyOf(labels)
      const before = series.get(key)
      if (room(series, key)) series.set(key, (typeof before === 'number' ? before : 0) + by)
    },
    gauge(name, value, labels = {}) {
      const series = seriesOf(name, 'gauge')
      const key = keyOf(labels)
      if (room(series, key)) series.set(key, value)
    },
    observe(name, seconds, labels = {}) {
      const series = seriesOf(name, 'histogram')
      const key = keyOf(labels)
      if (!room(series, key)) return
      const before = series.get(key)
      const histogram = typeof before === 'object' ? before : { counts: BUCKETS.map(() => 0), sum: 0, count: 0 }
      const bucket = BUCKETS.findIndex((bound) => seconds <= bound)
      if (bucket !== -1) histogram.counts[bucket] = (histogram.counts[bucket] ?? 0) + 1
      histogram.sum += seconds
      histogram.count += 1
      series.set(key, histogram)
    },
    print: () =>
      [...families]
        .sort(([a], [b]) => compareText(a, b))
        .map(([name, family]) => printFamily(name, family))
        .join(''),
  }
}

function room(series: Series, key: string): boolean {
  return series.has(key) || series.size < MAX_SERIES
}

/** The labels as they stand between the braces, sorted by name. */
function keyOf(labels: MetricLabels): string {
  return Object.entries(labels)
    .sort(([a], [b]) => compareText(a, b))
    .map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`))}"`)
    .join(',')
}

function printFamily(name: string, { type, series }: Family): string {
  const lines = [...series]
    .sort(([a], [b]) => compareText(a, b))
    .flatMap(([labels, value]) =>
      typeof value === 'number' ? [`${name}${braces(labels)} ${value}`] : printHistogram(name, labels, value),
    )
  return `${helpOf(name)}# TYPE ${name} ${type}\n${lines.join('\n')}\n`
}

function helpOf(name: string): string {
  const known = Object.entries(METRICS).find(([each]) => each === name)
  return known === undefined ? '' : `# HELP ${name} ${known[1].help}\n`
}

function printHistogram(name: string, labels: string, { counts, sum, count }: Histogram): readonly string[] {
  const before = labels === '' ? '' : `${labels},`
  let total = 0
  const buckets = BUCKETS.map((bound, index) => {
    total += counts[index] ?? 0
    return `${name}_bucket{${before}le="${bound}"} ${total}`
  })
  return [
    ...buckets,
    `${name}_bucket{${before}le="+Inf"} ${count}`,
    `${name}_sum${braces(labels)} ${sum}`,
    `${name}_count${braces(labels)} ${count}`,
  ]
}

function braces(labels: string): string {
  return labels === '' ? '' : `{${labels}}`
}
