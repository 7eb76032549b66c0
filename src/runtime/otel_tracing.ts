import { SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api'
import type { Span, SpanAttributes, Tracing } from '../ports/tracing.ts'

/**
 * Traces through the OpenTelemetry API: without an SDK registered by the operator nothing is recorded and next to nothing
 * is spent.
 */
export function otelTracing(name: string): Tracing {
  const tracer = trace.getTracer(name)
  return {
    start(span: string, attributes: SpanAttributes): Span {
      const open = tracer.startSpan(span, { kind: SpanKind.CLIENT, attributes })
      return {
        traceparent: open.isRecording() ? traceparentOf(open.spanContext()) : null,
        end(more, problem) {
          open.setAttributes(more)
          if (problem !== null) open.setStatus({ code: SpanStatusCode.ERROR, message: problem })
          open.end()
        },
      }
    },
  }
}

/** @source W3C Trace Context, section 3.2 */
function traceparentOf(context: {
  readonly traceId: string
  readonly spanId: string
  readonly traceFlags: number
}): string {
  const flags = (context.traceFlags & TraceFlags.SAMPLED) === 0 ? '00' : '01'
  return `00-${context.traceId}-${context.spanId}-${flags}`
}
