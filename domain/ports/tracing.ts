/**
 * Traces: how one event went through the platform, and what one request did, as spans that a
 * collector puts together.
 *
 * A platform without tracing has no `Tracing` at all, so that whoever could be traced asks once
 * whether it is there. With it, `start` answers null for what is not sampled, and then nothing more
 * is done for that request or event: no header is written, nothing is kept.
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
  /**
   * what it is part of; null: a trace begins here. One that is not well formed begins a trace, too.
   */
  readonly parent: TraceContext | null;
  /** epoch ms; absent: now */
  readonly startedAt?: number;
  /** asked for only where the span is sampled */
  readonly attributes?: () => SpanAttributes;
  /** other traces that have to do with it */
  readonly links?: readonly TraceContext[];
}

export interface SpanEnd {
  /** epoch ms; absent: now */
  readonly at?: number;
  /** what went wrong; its message is not told, for it may name values */
  readonly error?: unknown;
  /** something went wrong, and was told already */
  readonly failed?: boolean;
  readonly attributes?: SpanAttributes;
}

export interface Span {
  readonly context: TraceContext;
  readonly traceId: string;
  /** Where what is asked for turns out to be there: a name that somebody made up is in no span. */
  readonly rename: (name: string) => void;
  readonly link: (to: TraceContext) => void;
  readonly set: (attributes: SpanAttributes) => void;
  readonly end: (end?: SpanEnd) => void;
}

export interface Tracing {
  /** null: not sampled */
  readonly start: (name: string, start: SpanStart) => Span | null;
  /** Runs `work`; what it awaits, too, finds the span as `current`. */
  readonly within: <T>(span: Span, work: () => T) => T;
  readonly current: () => TraceContext | null;
  /** Sends what is left, if that takes no longer than a moment. */
  readonly close: () => Promise<void>;
}

/** The span around a piece of work: it ends when the work does, and fails with it. */
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

/** The trace that headers say they are part of; null: of none. */
export const inTrace = (headers: Readonly<Record<string, unknown>>): TraceContext | null => {
  const { traceparent, tracestate } = headers;
  if (typeof traceparent !== 'string') return null;
  return typeof tracestate === 'string' ? { traceparent, tracestate } : { traceparent };
};

/**
 * The same, where it is sampled: the last bit of the flags, with which a `traceparent` of this
 * version ends.
 */
export const sampledTrace = (
  headers: Readonly<Record<string, unknown>> | undefined,
): TraceContext | null => {
  const trace = headers === undefined ? null : inTrace(headers);
  return trace !== null && /^00-[\da-f]{32}-[\da-f]{16}-[\da-f][13579bdf]$/.test(trace.traceparent)
    ? trace
    : null;
};
