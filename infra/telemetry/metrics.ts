/** Prometheus metrics of one platform. Gauges are read when scraped, so that the hot paths only count. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { PlatformStatus } from '#domain/ports/platform.ts';

export interface Metrics {
  readonly published: (source: string, accepted: number, duplicates: number, rejected: number) => void;
  readonly read: (seconds: number, rows: number, past: boolean) => void;
  readonly text: () => Promise<string>;
}

export const createMetrics = (status: () => Promise<PlatformStatus>): Metrics => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const events = new Counter({
    name: 'millrace_events_total',
    help: 'Raw events by source and outcome.',
    labelNames: ['source', 'outcome'],
    registers,
  });
  const rows = new Counter({
    name: 'millrace_read_rows_total',
    help: 'Entity rows read, from tiles or from raw events.',
    labelNames: ['from'],
    registers,
  });
  const seconds = new Histogram({
    name: 'millrace_read_seconds',
    help: 'Time to answer a feature read, HTTP left out.',
    buckets: [0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5],
    registers,
  });
  const gauge = (name: string, help: string, labelNames: string[]): Gauge => new Gauge({ name, help, labelNames, registers });
  const tiles = gauge('millrace_view_tiles', 'Tiles kept by a view.', ['view']);
  const entities = gauge('millrace_view_entities', 'Entities known to a view.', ['view']);
  const late = gauge('millrace_view_late_events', 'Events left out as late.', ['view']);
  const lag = gauge('millrace_view_lag_events', 'Raw events accepted and not yet computed.', ['view']);
  const newest = gauge('millrace_view_event_time_seconds', 'Newest event time taken in, epoch seconds.', ['view']);
  const stalled = gauge('millrace_view_stalled', '1 where the computation of a view has stopped with an error.', ['view']);
  const served = new Counter({
    name: 'millrace_served_rows_total',
    help: 'Entity rows by what answered them: the hot store, the primary store, or raw events.',
    labelNames: ['store'],
    registers,
  });

  return {
    published(source, accepted, duplicates, rejected) {
      if (accepted > 0) events.inc({ source, outcome: 'accepted' }, accepted);
      if (duplicates > 0) events.inc({ source, outcome: 'duplicate' }, duplicates);
      if (rejected > 0) events.inc({ source, outcome: 'rejected' }, rejected);
    },
    read(took, count, past) {
      seconds.observe(took);
      rows.inc({ from: past ? 'history' : 'tiles' }, count);
    },
    async text() {
      const now = await status();
      served.reset();
      for (const [store, count] of Object.entries(now.served ?? {})) served.inc({ store }, count);
      for (const view of now.views) {
        const labels = { view: view.view };
        tiles.set(labels, view.tiles);
        entities.set(labels, view.entities);
        late.set(labels, view.late);
        lag.set(labels, view.lag);
        if (view.eventTime !== null) newest.set(labels, view.eventTime / 1000);
        stalled.set(labels, view.state === 'stalled' ? 1 : 0);
      }
      return registry.metrics();
    },
  };
};
