/**
 * The traces of updates that reach the cache tier. Flink emits no spans, so the span of computing
 * is emitted here, from the event's log time (in the update's headers) to the update's log time;
 * then the span of writing it to the cache. The update then waits for the read that shows it.
 */
import type { LogRecord } from '#domain/ports/log.ts';
import type { TracedUpdates } from '#domain/ports/traced-updates.ts';
import { inTrace, type TraceContext, type Tracing } from '#domain/ports/tracing.ts';
import type { KeyedUpdate } from '#projections/cache/cache-tiles.ts';

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
   * These records were written to the cache; `updates` are the updates in them, in the same order,
   * without those of other generations.
   */
  readonly stored: (records: readonly LogRecord[], updates: readonly KeyedUpdate[]) => void;
}

/** The event's log time in an update's headers, next to its trace context: see MR_TRACE_HEADERS. */
const LOG_TIME = 'millrace-log-time';
/** An update this long after it was computed is read again, as after a restart: no span. */
const NEWS_MS = 60_000;

interface Stored {
  readonly parent: TraceContext;
  readonly generation: number;
  readonly keys: Set<string>;
  readonly cause: string;
  /** log times of the event and of the last of its updates, epoch ms */
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
  ): Iterable<Stored> => {
    const found = new Map<string, Stored>();
    let at = 0;
    for (const record of records) {
      while (at < updates.length && (updates[at] as KeyedUpdate).offset < record.offset) at++;
      const update = updates[at];
      if (record.headers === undefined || update?.offset !== record.offset || update.hopMs < 0)
        continue;
      const parent = inTrace(record.headers);
      if (parent === null || now() - record.logTime > NEWS_MS) continue;
      const id = `${parent.traceparent} ${update.generation}`;
      let stored = found.get(id);
      if (stored === undefined) {
        const { generation, cause } = update;
        const logTime = Number(record.headers[LOG_TIME] ?? record.logTime);
        const first = { updateTime: record.logTime, eventTime: update.newestEventTime };
        stored = {
          parent,
          generation,
          keys: new Set(),
          cause: `${raw}@${cause.partition}:${cause.offset}`,
          logTime,
          ...first,
        };
        found.set(id, stored);
      }
      stored.keys.add(update.key);
      stored.updateTime = Math.max(stored.updateTime, record.logTime);
      stored.eventTime = Math.max(stored.eventTime, update.newestEventTime);
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
  }: Stored): void => {
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
    stored(records, updates) {
      for (const stored of gather(records, updates)) emit(stored);
    },
  };
};
