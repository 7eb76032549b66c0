/** Attributes of a span: plain data, never a payload and never a secret. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>

/** A span that is open. */
export interface Span {
  /** The W3C `traceparent` of the span; null if nothing records traces. */
  readonly traceparent: string | null
  /** Ends the span; `problem` marks it as failed. */
  end(attributes: SpanAttributes, problem: string | null): void
}

/** Traces of what runs: one span per delivery attempt and per flush. */
export interface Tracing {
  start(name: string, attributes: SpanAttributes): Span
}

const NO_SPAN: Span = { traceparent: null, end: () => undefined }

/** Records nothing. */
export const NO_TRACING: Tracing = { start: () => NO_SPAN }
