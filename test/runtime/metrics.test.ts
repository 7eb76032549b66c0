import { describe, expect, it } from 'vitest'
import { readdirSync, readFileSync } from 'node:fs'
import { METRICS } from '../../src/ports/metrics.ts'
import { createMetrics, MAX_SERIES } from '../../src/runtime/metrics.ts'

describe('Metrics', () => {
  it('prints counters and gauges as Prometheus text, sorted, with labels escaped', () => {
    const metrics = createMetrics()
    metrics.count('billhook_deliveries_total', { verdict: 'ok', source: 'b' })
    metrics.count('billhook_deliveries_total', { source: 'a"\\\n', verdict: 'ok' }, 2)
    metrics.count('billhook_deliveries_total', { source: 'b', verdict: 'ok' })
    metrics.gauge('billhook_backlog', 7)
    metrics.gauge('billhook_backlog', 5)
    expect(metrics.print()).toBe(
      [
        '# TYPE billhook_backlog gauge',
        'billhook_backlog 5',
        '# TYPE billhook_deliveries_total counter',
        'billhook_deliveries_total{source="a\\"\\\\\\n",verdict="ok"} 2',
        'billhook_deliveries_total{source="b",verdict="ok"} 2',
        '',
      ].join('\n'),
    )
  })

  it('prints a histogram with cumulative buckets, sum and count', () => {
    const metrics = createMetrics()
    for (const seconds of [0.0005, 0.003, 0.003, 99])
      metrics.observe('billhook_answer_seconds', seconds, { route: 'in' })
    const text = metrics.print()
    expect(text).toContain('billhook_answer_seconds_bucket{route="in",le="0.001"} 1\n')
    expect(text).toContain('billhook_answer_seconds_bucket{route="in",le="0.005"} 3\n')
    expect(text).toContain('billhook_answer_seconds_bucket{route="in",le="30"} 3\n')
    expect(text).toContain('billhook_answer_seconds_bucket{route="in",le="+Inf"} 4\n')
    expect(text).toContain('billhook_answer_seconds_count{route="in"} 4\n')
    expect(text).toMatch(/billhook_answer_seconds_sum\{route="in"\} 99\.00/)
  })

  it('says what a metric means, and every metric that is counted is in the table', () => {
    const metrics = createMetrics()
    metrics.gauge('billhook_inbox_backlog', 3)
    expect(metrics.print()).toBe(
      `# HELP billhook_inbox_backlog ${METRICS.billhook_inbox_backlog.help}\n# TYPE billhook_inbox_backlog gauge\nbillhook_inbox_backlog 3\n`,
    )
    const source = new URL('../../src/', import.meta.url)
    const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
    const counted = files.flatMap((name) =>
      [...readFileSync(new URL(name, source), 'utf8').matchAll(/\.(count|gauge|observe)\(\s*'(billhook_\w+)'/g)].map(
        ([, how, metric]) => `${metric} ${how === 'count' ? 'counter' : how === 'gauge' ? how : 'histogram'}`,
      ),
    )
    const table = Object.entries(METRICS).map(([name, { type }]) => `${name} ${type}`)
    expect([...new Set(counted)].sort()).toEqual(table.sort())
  })

  it('refuses a name of another form, and one name for two types', () => {
    const metrics = createMetrics()
    expect(() => metrics.count('requests')).toThrow(/wrong name/)
    metrics.count('billhook_x')
    expect(() => metrics.gauge('billhook_x', 1)).toThrow(/not a gauge/)
  })

  it('is bounded: label values from an open set do not fill the memory', () => {
    const metrics = createMetrics()
    for (let i = 0; i < MAX_SERIES + 50; i += 1) metrics.count('billhook_x', { id: String(i) })
    expect(metrics.print().split('\n')).toHaveLength(MAX_SERIES + 2)
  })
})
