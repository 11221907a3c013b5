/**
 * Traces of OpenTelemetry, sent as OTLP over HTTP in protobuf, and configured by OpenTelemetry's
 * environment variables. Without an endpoint traces are off, and OpenTelemetry is not even loaded.
 * Nothing global is registered: Millrace passes contexts on itself.
 */
import { MillraceError } from '#domain/errors.ts';
import type { Span, SpanAttributes, TraceContext, Tracing } from '#domain/ports/tracing.ts';
import { reportingExporter } from './reporting-exporter.ts';
import { samplerOf } from './sampler.ts';

interface TracingOptions {
  readonly version: string;
  readonly warn: (message: string) => void;
}

const CLOSE_MS = 2_000;

const variable = (name: string): string | null => process.env[name]?.trim() || null;
const numberIn = (name: string): number | undefined => {
  const value = Number(variable(name) ?? Number.NaN);
  return Number.isFinite(value) && value >= 0 ? value : undefined;
};

/** The endpoint of OpenTelemetry's variables; null: traces are off. */
const endpointOf = (warn: TracingOptions['warn']): string | null => {
  const endpoint =
    variable('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ?? variable('OTEL_EXPORTER_OTLP_ENDPOINT');
  if (
    endpoint === null ||
    variable('OTEL_SDK_DISABLED')?.toLowerCase() === 'true' ||
    variable('OTEL_TRACES_EXPORTER') === 'none'
  )
    return null;
  const protocol =
    variable('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ?? variable('OTEL_EXPORTER_OTLP_PROTOCOL');
  if (protocol !== null && protocol !== 'http/protobuf')
    warn(
      `traces are sent as http/protobuf: the protocol "${protocol}" of OTEL_EXPORTER_OTLP_PROTOCOL is not supported`,
    );
  if (URL.canParse(endpoint)) return endpoint;
  warn(`traces are off: OTEL_EXPORTER_OTLP_ENDPOINT is "${endpoint}", which is no URL`);
  return null;
};

const processorOptions = (): object => {
  const options = {
    scheduledDelayMillis: numberIn('OTEL_BSP_SCHEDULE_DELAY'),
    exportTimeoutMillis: numberIn('OTEL_BSP_EXPORT_TIMEOUT'),
    maxQueueSize: numberIn('OTEL_BSP_MAX_QUEUE_SIZE'),
    maxExportBatchSize: numberIn('OTEL_BSP_MAX_EXPORT_BATCH_SIZE'),
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
};

/** The type of a failure. Its message may contain values, and is only in the process log. */
const errorType = (error: unknown): string =>
  error instanceof MillraceError ? error.code : error instanceof Error ? error.name : 'Error';

/** @returns null: no endpoint is configured */
export const openTracing = async ({ version, warn }: TracingOptions): Promise<Tracing | null> => {
  const endpoint = endpointOf(warn);
  if (endpoint === null) return null;
  const [
    api,
    core,
    { AsyncLocalStorageContextManager },
    { OTLPTraceExporter },
    resources,
    sdk,
    names,
  ] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/core'),
    import('@opentelemetry/context-async-hooks'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/semantic-conventions'),
  ]);
  const { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } = api;
  const KINDS = {
    internal: SpanKind.INTERNAL,
    server: SpanKind.SERVER,
    client: SpanKind.CLIENT,
    producer: SpanKind.PRODUCER,
    consumer: SpanKind.CONSUMER,
  };
  const detected = resources.detectResources({
    detectors: [
      resources.resourceAttributesEnvDetector,
      resources.serviceNameEnvDetector,
      resources.serviceInstanceIdDetector,
    ],
  });
  const sampler = samplerOf(
    sdk,
    variable('OTEL_TRACES_SAMPLER'),
    variable('OTEL_TRACES_SAMPLER_ARG'),
    warn,
  );
  const random = new sdk.RandomIdGenerator();
  /** the id of the next trace: the sampler needs it before a span exists */
  let nextTrace = '';
  const provider = new sdk.TracerProvider({
    resource: resources
      .defaultResource()
      .merge(
        resources.resourceFromAttributes({
          [names.ATTR_SERVICE_NAME]: 'millrace',
          [names.ATTR_SERVICE_VERSION]: version,
        }),
      )
      .merge(detected),
    sampler,
    idGenerator: {
      generateTraceId: () => nextTrace,
      generateSpanId: () => random.generateSpanId(),
    },
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter: reportingExporter(new OTLPTraceExporter(), new URL(endpoint).origin, warn),
        ...processorOptions(),
      }),
    ],
  });
  const tracer = provider.getTracer('millrace', version);
  const contexts = new AsyncLocalStorageContextManager().enable();

  const remote = ({ traceparent, tracestate }: TraceContext) => {
    const context = core.parseTraceParent(traceparent);
    if (context === null) return null;
    return {
      ...context,
      isRemote: true,
      ...(tracestate === undefined ? {} : { traceState: new core.TraceState(tracestate) }),
    };
  };
  const contextOf = (span: ReturnType<typeof tracer.startSpan>): TraceContext => {
    const { traceId, spanId, traceState } = span.spanContext();
    const traceparent = `00-${traceId}-${spanId}-01`;
    const state = traceState?.serialize() ?? '';
    return state === '' ? { traceparent } : { traceparent, tracestate: state };
  };
  const linkTo = (
    to: TraceContext,
  ): { readonly context: NonNullable<ReturnType<typeof remote>> }[] => {
    const context = remote(to);
    return context === null ? [] : [{ context }];
  };

  const SPAN = api.createContextKey('millrace.span');
  const NOTHING = {};

  return {
    start(name, { kind = 'internal', parent, startedAt, attributes, links }) {
      const from = parent === null ? null : remote(parent);
      const context = from === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, from);
      nextTrace = from === null ? random.generateTraceId() : from.traceId;
      const { decision } = sampler.shouldSample(context, nextTrace, name, KINDS[kind], NOTHING, []);
      if (decision !== sdk.SamplingDecision.RECORD_AND_SAMPLED) return null;
      const span = tracer.startSpan(
        name,
        {
          kind: KINDS[kind],
          ...(startedAt === undefined ? {} : { startTime: startedAt }),
          ...(attributes === undefined ? {} : { attributes: attributes() }),
          ...(links === undefined ? {} : { links: links.flatMap(linkTo) }),
        },
        context,
      );
      const { traceId } = span.spanContext();
      const set = (more: SpanAttributes): void => void span.setAttributes(more);
      return {
        context: contextOf(span),
        traceId,
        set,
        rename: (to) => void span.updateName(to),
        link: (to) => void span.addLinks(linkTo(to)),
        end({ at, error, failed = false, attributes: last } = {}) {
          if (last !== undefined) set(last);
          if (error !== undefined) {
            span.setAttribute(names.ATTR_ERROR_TYPE, errorType(error));
          }
          if (
            failed ||
            (error !== undefined && !(error instanceof MillraceError && error.status < 500))
          )
            span.setStatus({ code: SpanStatusCode.ERROR });
          span.end(at);
        },
      } satisfies Span;
    },
    within: (span, work) => contexts.with(ROOT_CONTEXT.setValue(SPAN, span.context), work),
    current: () => (contexts.active().getValue(SPAN) as TraceContext | undefined) ?? null,
    async close() {
      const timeout = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_MS).unref());
      await Promise.race([provider.shutdown().catch(() => undefined), timeout]);
      contexts.disable();
    },
  };
};
