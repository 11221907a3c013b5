/**
 * Traces of the updates that the cache tier applies. Flink emits no spans, so the span of its
 * computation is emitted here: it lasts from the log time of the event, which is in the update's
 * headers, to the log time of the update. The span of applying the update follows. The trace
 * continues with the first read that shows the update.
 */
import type { LogRecord } from '#domain/ports/log.ts';
import { inTrace, type TraceContext, type Tracing } from '#domain/ports/tracing.ts';
import type { KeyedUpdate } from '#projections/cache/cache-tiles.ts';
import type { TracedUpdates } from '#projections/serving/traced-updates.ts';

export interface CacheTracesOptions {
  readonly tracing: Tracing;
  readonly updates: TracedUpdates;
  readonly view: string;
  /** the raw topic that the view is computed from */
  readonly raw: string;
  readonly now: () => number;
}

export interface CacheTraces {
  /**
   * Reports that these records were applied. `updates` are their updates in the same order, without
   * those of generations that are not kept.
   */
  readonly applied: (records: readonly LogRecord[], updates: readonly KeyedUpdate[]) => void;
}

/**
 * The header with the log time of the event. MR_TRACE_HEADERS writes it next to the trace context.
 */
const LOG_TIME = 'millrace-log-time';
/**
 * An older update is being read again, for example after a restart. Its trace has ended.
 */
const MAX_AGE_MS = 60_000;

interface AppliedTrace {
  readonly parent: TraceContext;
  readonly generation: number;
  readonly keys: Set<string>;
  readonly cause: string;
  /** epoch ms; the log time of the event, and of the last of its updates */
  readonly logTime: number;
  updateTime: number;
  eventTime: number;
}

const iso = (time: number): string => new Date(time).toISOString();

export const createCacheTraces = ({
  tracing,
  updates: waiting,
  view,
  raw,
  now,
}: CacheTracesOptions): CacheTraces => {
  const gather = (
    records: readonly LogRecord[],
    updates: readonly KeyedUpdate[],
  ): Iterable<AppliedTrace> => {
    const found = new Map<string, AppliedTrace>();
    let at = 0;
    for (const record of records) {
      while (at < updates.length && (updates[at] as KeyedUpdate).offset < record.offset) at++;
      const update = updates[at];
      if (record.headers === undefined || update?.offset !== record.offset || update.hopMs < 0)
        continue;
      const parent = inTrace(record.headers);
      if (parent === null || now() - record.logTime > MAX_AGE_MS) continue;
      const id = `${parent.traceparent} ${update.generation}`;
      let trace = found.get(id);
      if (trace === undefined) {
        const { generation, cause } = update;
        const logTime = Number(record.headers[LOG_TIME] ?? record.logTime);
        const first = { updateTime: record.logTime, eventTime: update.newestEventTime };
        trace = {
          parent,
          generation,
          keys: new Set(),
          cause: `${raw}@${cause.partition}:${cause.offset}`,
          logTime,
          ...first,
        };
        found.set(id, trace);
      }
      trace.keys.add(update.key);
      trace.updateTime = Math.max(trace.updateTime, record.logTime);
      trace.eventTime = Math.max(trace.eventTime, update.newestEventTime);
    }
    return found.values();
  };

  const emit = ({
    parent,
    generation,
    keys,
    cause,
    logTime,
    updateTime,
    eventTime,
  }: AppliedTrace): void => {
    const common = {
      'messaging.system': 'kafka',
      'millrace.view': view,
      'millrace.generation': generation,
    };
    const computed = tracing.start(`compute ${view}`, {
      kind: 'consumer',
      parent,
      startedAt: Math.min(logTime, updateTime),
      attributes: () => ({
        ...common,
        'messaging.operation.type': 'process',
        'messaging.destination.name': raw,
        'millrace.cause': cause,
        'millrace.log_time': iso(logTime),
        'millrace.event_time': iso(eventTime),
        'millrace.entities': keys.size,
      }),
    });
    computed?.end({ at: updateTime });
    if (computed === null) return;
    const readableAt = Math.max(now(), updateTime);
    const span = tracing.start(`materialize ${view}`, {
      kind: 'consumer',
      parent: computed.context,
      startedAt: updateTime,
      attributes: () => ({
        ...common,
        'messaging.operation.type': 'process',
        'db.system.name': 'redis',
        'millrace.entities': keys.size,
      }),
    });
    span?.end({ at: readableAt });
    if (span !== null)
      waiting.note({
        view,
        generation,
        keys: [...keys],
        context: span.context,
        eventTime,
        logTime,
        readableAt,
      });
  };

  return {
    applied(records, updates) {
      for (const batch of gather(records, updates)) emit(batch);
    },
  };
};
