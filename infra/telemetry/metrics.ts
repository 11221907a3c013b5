/**
 * Prometheus metrics of one platform. Hot paths only count, in cells that are bound beforehand;
 * gauges are set when scraped. Label values come from closed lists (routes, codes, stores) or from
 * the registry (sources, views, jobs), never from a request.
 */
import { statfs } from 'node:fs/promises';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { DROP_REASONS } from '#domain/feature-log/drop-reasons.ts';
import { DEGRADED_MODES } from '#domain/ports/degraded.ts';
import type { EventStore } from '#domain/ports/event-store.ts';
import type { Metrics } from '#domain/ports/metrics.ts';
import { counts, durations } from './cells.ts';
import { createGauges, type GaugeSample } from './gauges.ts';

interface PlatformMetrics extends Metrics {
  /** The same store, with its calls timed. */
  readonly timed: (store: EventStore) => EventStore;
}

/** Seconds: from a read of tiles in memory to a request that waits for a position or a store. */
const BUCKETS = [
  0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
  0.5, 1, 2.5, 10, 60,
];

const once = <K, V>(make: (key: K) => V): ((key: K) => V) => {
  const made = new Map<K, V>();
  return (key) => {
    let value = made.get(key);
    if (value === undefined) made.set(key, (value = make(key)));
    return value;
  };
};

/** null where the file system does not answer: the metric is then absent, so an alert can fire. */
const diskOf = async (directory: string): Promise<GaugeSample['disk']> => {
  try {
    const { bsize, blocks, bavail } = await statfs(directory);
    return { size: bsize * blocks, free: bsize * bavail };
  } catch {
    return null;
  }
};

export const createMetrics = (): PlatformMetrics => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requestSeconds = durations(
    registry,
    'millrace_request_seconds',
    'Time from a request to the end of its answer, by route.',
    BUCKETS,
  );
  const requests = counts(
    registry,
    'millrace_requests_total',
    'Requests answered, by route and status.',
  );
  const refusals = counts(
    registry,
    'millrace_refusals_total',
    'Requests refused or failed, by error code.',
  );
  const events = counts(registry, 'millrace_events_total', 'Raw events by source and outcome.');
  const rejections = counts(
    registry,
    'millrace_rejected_events_total',
    'Raw events rejected, by source and error code.',
  );
  const publishSeconds = durations(
    registry,
    'millrace_publish_seconds',
    'Time until published events were durable, the protocol left out.',
    BUCKETS,
  ).cell({});
  const readSeconds = durations(
    registry,
    'millrace_read_seconds',
    'Time to answer a feature read, the protocol left out.',
    BUCKETS,
  ).cell({});
  const rows = counts(
    registry,
    'millrace_read_rows_total',
    'Entity rows read, as of now or as known at a past time.',
  );
  const featureLogRows = counts(
    registry,
    'millrace_feature_log_rows_total',
    'Answered rows that were logged, by service.',
  );
  const featureLogDropped = counts(
    registry,
    'millrace_feature_log_dropped_total',
    'Answered rows that could not be logged, by service and reason: full, schema, value, failed.',
  );
  const storeSeconds = durations(
    registry,
    'millrace_event_store_seconds',
    'Time of the event store, by operation.',
    BUCKETS,
  );
  const [append, read] = [
    storeSeconds.cell({ operation: 'append' }),
    storeSeconds.cell({ operation: 'read' }),
  ];
  const degradedReads = counts(
    registry,
    'millrace_degraded_reads_total',
    'Feature reads answered in a degraded mode, by mode.',
  );
  const degradedBy = new Map(DEGRADED_MODES.map((mode) => [mode, degradedReads.cell({ mode })]));
  const gauges = createGauges(registry);

  const eventsOf = once((source: string) => {
    const cell = (outcome: string): ((n: number) => void) => events.cell({ source, outcome });
    return { accepted: cell('accepted'), duplicate: cell('duplicate'), rejected: cell('rejected') };
  });
  const [present, past] = [rows.cell({ from: 'tiles' }), rows.cell({ from: 'history' })];
  const refusedBy = once((protocol: string) =>
    once((code: string) => refusals.cell({ protocol, code })),
  );

  const time = async <T>(record: (seconds: number) => void, work: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    try {
      return await work();
    } finally {
      record((performance.now() - started) / 1000);
    }
  };

  return {
    requests: {
      route(protocol, route) {
        const seconds = requestSeconds.cell({ protocol, route });
        const byStatus = once((status: number | string) =>
          requests.cell({ protocol, route, status: String(status) }),
        );
        const refused = refusedBy(protocol);
        return (took, status, refusal) => {
          seconds(took);
          byStatus(status)(1);
          if (refusal !== null) refused(refusal)(1);
        };
      },
    },
    published(source, seconds, accepted, duplicates, rejected) {
      publishSeconds(seconds);
      const of = eventsOf(source);
      of.accepted(accepted);
      of.duplicate(duplicates);
      of.rejected(rejected.length);
      for (const { code } of rejected) rejections.cell({ source, code })(1);
    },
    read(seconds, count, isPast) {
      readSeconds(seconds);
      (isPast ? past : present)(count);
    },
    degraded(modes) {
      for (const mode of modes) degradedBy.get(mode)?.(1);
    },
    featureLogService(service) {
      featureLogRows.cell({ service })(0);
      for (const reason of DROP_REASONS) featureLogDropped.cell({ service, reason })(0);
    },
    featureLogRows: (service, n) => featureLogRows.cell({ service })(n),
    featureLogDropped: (service, reason, n) => featureLogDropped.cell({ service, reason })(n),
    timed: (store) => ({
      ...store,
      append: (commit, expected, options) =>
        time(append, () => store.append(commit, expected, options)),
      readStream: (stream) => time(read, () => store.readStream(stream)),
      readAll: (position, limit) => time(read, () => store.readAll(position, limit)),
    }),
    async text(sample) {
      gauges({ ...sample, disk: await diskOf(sample.status.dataDirectory) });
      return registry.metrics();
    },
  };
};
