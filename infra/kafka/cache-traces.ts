/**
 * The traces of what a cached copy takes in. Flink tells no spans: that of its computing is told
 * here, from when the log took the event (which the update's headers say) to when it took the
 * update; then that of the taking in. What is taken in waits for the read that shows it.
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
   * These records were taken in; `updates` are what they hold, in the same order, those left out
   * that are nobody's.
   */
  readonly taken: (records: readonly LogRecord[], updates: readonly KeyedUpdate[]) => void;
}

/**
 * When the log took the event, beside its trace context in an update's headers: what
 * MR_TRACE_HEADERS writes.
 */
const LOG_TIME = 'millrace-log-time';
/**
 * What is taken in so long after it was computed is read again, as after a restart: its trace is
 * over.
 */
const NEWS_MS = 60_000;

interface Taken {
  readonly parent: TraceContext;
  readonly generation: number;
  readonly keys: Set<string>;
  readonly cause: string;
  /** when the log took the event, and the last of its updates, epoch ms */
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
  ): Iterable<Taken> => {
    const found = new Map<string, Taken>();
    let at = 0;
    for (const record of records) {
      while (at < updates.length && (updates[at] as KeyedUpdate).offset < record.offset) at++;
      const update = updates[at];
      if (record.headers === undefined || update?.offset !== record.offset || update.hopMs < 0)
        continue;
      const parent = inTrace(record.headers);
      if (parent === null || now() - record.logTime > NEWS_MS) continue;
      const id = `${parent.traceparent} ${update.generation}`;
      let taken = found.get(id);
      if (taken === undefined) {
        const { generation, cause } = update;
        const logTime = Number(record.headers[LOG_TIME] ?? record.logTime);
        const first = { updateTime: record.logTime, eventTime: update.newestEventTime };
        taken = {
          parent,
          generation,
          keys: new Set(),
          cause: `${raw}@${cause.partition}:${cause.offset}`,
          logTime,
          ...first,
        };
        found.set(id, taken);
      }
      taken.keys.add(update.key);
      taken.updateTime = Math.max(taken.updateTime, record.logTime);
      taken.eventTime = Math.max(taken.eventTime, update.newestEventTime);
    }
    return found.values();
  };

  const tell = ({
    parent,
    generation,
    keys,
    cause,
    logTime,
    updateTime,
    eventTime,
  }: Taken): void => {
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
    taken(records, updates) {
      for (const taken of gather(records, updates)) tell(taken);
    },
  };
};
