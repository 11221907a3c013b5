/**
 * Traces: the way of one event through the platform, and the work of one request, as spans that a
 * collector assembles.
 *
 * A platform without tracing has no `Tracing` at all, so code checks for it once. With it, `start`
 * returns null for what is not sampled: then no header is written and nothing is kept for that
 * request or event.
 */

/** W3C trace context, as it travels in HTTP headers, gRPC metadata and the headers of a record. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;
export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';

export interface SpanStart {
  readonly kind?: SpanKind;
  /** the parent span; null or malformed: a new trace begins here */
  readonly parent: TraceContext | null;
  /** epoch ms; absent: now */
  readonly startedAt?: number;
  /** called only where the span is sampled */
  readonly attributes?: () => SpanAttributes;
  /** related traces */
  readonly links?: readonly TraceContext[];
}

export interface SpanEnd {
  /** epoch ms; absent: now */
  readonly at?: number;
  /** the error; its message is not exported, because it may contain values */
  readonly error?: unknown;
  /** the work failed, and the error is recorded elsewhere */
  readonly failed?: boolean;
  readonly attributes?: SpanAttributes;
}

export interface Span {
  readonly context: TraceContext;
  readonly traceId: string;
  /** Called once a requested name is known to exist: spans never have made-up names. */
  readonly rename: (name: string) => void;
  readonly link: (to: TraceContext) => void;
  readonly set: (attributes: SpanAttributes) => void;
  readonly end: (end?: SpanEnd) => void;
}

export interface Tracing {
  /** null: not sampled */
  readonly start: (name: string, start: SpanStart) => Span | null;
  /** Runs `work` with the span as `current`, also in what it awaits. */
  readonly within: <T>(span: Span, work: () => T) => T;
  readonly current: () => TraceContext | null;
  /** Sends the remaining spans, within a short timeout. */
  readonly close: () => Promise<void>;
}

/** Runs `work` in a span, which ends with it and records its failure. */
export const inSpan = async <T>(
  tracing: Tracing,
  span: Span,
  work: () => Promise<T>,
): Promise<T> => {
  try {
    const result = await tracing.within(span, work);
    span.end();
    return result;
  } catch (error) {
    span.end({ error });
    throw error;
  }
};

/** The trace context in headers; null: none. */
export const inTrace = (headers: Readonly<Record<string, unknown>>): TraceContext | null => {
  const { traceparent, tracestate } = headers;
  if (typeof traceparent !== 'string') return null;
  return typeof tracestate === 'string' ? { traceparent, tracestate } : { traceparent };
};

/** The same, where it is sampled: the last bit of the flags at the end of `traceparent` is set. */
export const sampledTrace = (
  headers: Readonly<Record<string, unknown>> | undefined,
): TraceContext | null => {
  const trace = headers === undefined ? null : inTrace(headers);
  return trace !== null && /^00-[\da-f]{32}-[\da-f]{16}-[\da-f][13579bdf]$/.test(trace.traceparent)
    ? trace
    : null;
};
