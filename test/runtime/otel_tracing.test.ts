import { ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Span, SpanOptions, Tracer } from '@opentelemetry/api'
import { afterEach, expect, test } from 'vitest'
import { otelTracing } from '../../src/runtime/otel_tracing.ts'

afterEach(() => trace.disable())

test('without a tracer of the operator nothing is recorded and no header is made', () => {
  const span = otelTracing('billhook').start('attempt', { a: 1 })
  expect(span.traceparent).toBeNull()
  expect(() => span.end({}, 'timeout')).not.toThrow()
})

test('with one, a span has its attributes, its end, its problem and a W3C header', () => {
  const seen: unknown[] = []
  const open = {
    isRecording: () => true,
    spanContext: () => ({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }),
    setAttributes: (attributes: unknown) => seen.push(attributes),
    setStatus: (status: unknown) => seen.push(status),
    end: () => seen.push('end'),
  } as unknown as Span
  const tracer = {
    startSpan: (name: string, options?: SpanOptions) => {
      seen.push(name, options?.attributes)
      return open
    },
    startActiveSpan: () => ROOT_CONTEXT,
  } as unknown as Tracer
  trace.setGlobalTracerProvider({ getTracer: () => tracer })
  const span = otelTracing('billhook').start('attempt', { a: 1 })
  expect(span.traceparent).toBe(`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`)
  span.end({ status: 500 }, 'status')
  expect(seen).toEqual(['attempt', { a: 1 }, { status: 500 }, { code: SpanStatusCode.ERROR, message: 'status' }, 'end'])
})
