/**
 * Gauges that are set at each scrape: the state of sources, views, replays, jobs, the outbox and
 * the disk. They are reset first, so series of what no longer exists disappear.
 */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { EngineJob, PlatformStatus } from '#domain/api/operations.ts';
import { DEGRADED_MODES } from '#domain/ports/degraded.ts';
import type { MetricsSample } from '#domain/ports/metrics.ts';
import { parseTopicPosition } from '#domain/ports/position.ts';
import { parseDuration } from '#domain/values/duration.ts';

/** The sample, with the disk of the data directory; null: its size is not known. */
export interface GaugeSample extends MetricsSample {
  readonly disk: { readonly size: number; readonly free: number } | null;
}

/** Events of a source that its table in the history does not have yet. */
const notInHistory = ({ position, historyPosition }: PlatformStatus['sources'][number]): number => {
  const endOffsets = new Map(
    parseTopicPosition(historyPosition).positions.map((p) => [p.partition, p.offset]),
  );
  return parseTopicPosition(position).positions.reduce(
    (n, p) => n + Math.max(0, p.offset - (endOffsets.get(p.partition) ?? 0)),
    0,
  );
};

const jobsOf = ({ views, jobs = [] }: PlatformStatus): readonly EngineJob[] => [
  ...views.flatMap(({ job }) => (job === undefined ? [] : [job])),
  ...jobs,
];

export const createGauges = (registry: Registry): ((sample: GaugeSample) => void) => {
  const all: Gauge[] = [];
  const gauge = (name: string, help: string, ...labelNames: string[]): Gauge => {
    const made = new Gauge({ name, help, labelNames, registers: [registry] });
    all.push(made);
    return made;
  };
  const info = gauge(
    'millrace_info',
    'Version and profile of this process; always 1.',
    'version',
    'profile',
  );
  const tiles = gauge('millrace_view_tiles', 'Tiles kept by a view.', 'view');
  const entities = gauge('millrace_view_entities', 'Entities of a view.', 'view');
  const late = gauge('millrace_view_late_events', 'Events left out as late.', 'view');
  const lag = gauge(
    'millrace_view_lag_events',
    'Raw events accepted and not yet computed.',
    'view',
  );
  const newest = gauge(
    'millrace_view_event_time_seconds',
    'Newest event time computed, epoch seconds.',
    'view',
  );
  const age = gauge('millrace_view_event_age_seconds', 'Age of the newest event computed.', 'view');
  const target = gauge(
    'millrace_view_freshness_target_seconds',
    'The freshness that the view declares.',
    'view',
  );
  const stalled = gauge(
    'millrace_view_stalled',
    '1 where the computation of a view has stopped with an error.',
    'view',
  );
  const history = gauge(
    'millrace_source_history_lag_events',
    'Raw events that the history does not have yet.',
    'source',
  );
  const replay = gauge(
    'millrace_replay_progress',
    'Progress of replays not yet decided on, 0 to 1.',
    'view',
    'generation',
  );
  const readsByStore = new Counter({
    name: 'millrace_reads_by_store_total',
    help: 'Entity rows by what answered: the cache tier, the durable tier, or raw events (history). All 0 where tiles are in the process.',
    labelNames: ['store'],
    registers: [registry],
  });
  const degraded = gauge(
    'millrace_degraded',
    '1 where a read would meet the degraded mode now.',
    'mode',
  );
  const running = gauge('millrace_job_running', '1 where a job of the engine runs.', 'engine_job');
  const restarts = gauge('millrace_job_restarts', 'Restarts of a job of the engine.', 'engine_job');
  const checkpoint = gauge(
    'millrace_job_checkpoint_time_seconds',
    'Newest checkpoint of a job, epoch seconds.',
    'engine_job',
  );
  const commits = gauge('millrace_registry_commits', 'Commits of the registry.');
  const behind = gauge(
    'millrace_outbox_lag_commits',
    'Commits of the registry that are not on the log yet.',
  );
  const failing = gauge(
    'millrace_outbox_failing',
    '1 where the last attempt to copy commits to the log failed.',
  );
  const lineageEvents = new Counter({
    name: 'millrace_lineage_events_total',
    help: 'OpenLineage events of this process: delivered, refused by the receiver, or lost before they were on the log.',
    labelNames: ['outcome'],
    registers: [registry],
  });
  const lineageLag = gauge(
    'millrace_lineage_lag_events',
    'OpenLineage events that the receiver does not have yet.',
  );
  const lineageBehind = gauge(
    'millrace_lineage_lag_commits',
    'Commits of the registry whose OpenLineage events are not on the log yet.',
  );
  const lineageFailing = gauge(
    'millrace_lineage_failing',
    '1 where an OpenLineage event could not be created, or the receiver did not accept the last one.',
  );
  const size = gauge('millrace_disk_size_bytes', 'Size of the file system of the data directory.');
  const free = gauge(
    'millrace_disk_free_bytes',
    'Free bytes of the file system of the data directory.',
  );

  const logSize = gauge('millrace_log_size_bytes', 'Size of the embedded database, with the log.');
  const logFree = gauge(
    'millrace_log_free_bytes',
    'Of the embedded database, what new records will use: events that were trimmed.',
  );
  const historySize = gauge(
    'millrace_history_size_bytes',
    "Size of the files in the newest snapshots of the history's tables (embedded profile).",
  );

  return ({ status, freshness, outbox, lineage, disk }) => {
    for (const one of all) one.reset();
    readsByStore.reset();
    lineageEvents.reset();
    for (const outcome of ['delivered', 'refused', 'lost'] as const)
      lineageEvents.inc({ outcome }, lineage?.[outcome] ?? 0);
    lineageLag.set(lineage?.lag ?? 0);
    lineageBehind.set(lineage?.behind ?? 0);
    lineageFailing.set(lineage?.failing === true ? 1 : 0);
    info.set({ version: status.version, profile: status.profile }, 1);
    for (const view of status.views) {
      const labels = { view: view.view };
      tiles.set(labels, view.tiles);
      entities.set(labels, view.entities);
      late.set(labels, view.late);
      lag.set(labels, view.lag);
      if (view.eventTime !== null) newest.set(labels, view.eventTime / 1000);
      stalled.set(labels, view.state === 'stalled' ? 1 : 0);
    }
    for (const { view, lagMs, target: declared } of freshness) {
      if (lagMs !== null) age.set({ view }, lagMs / 1000);
      if (declared !== null) target.set({ view }, parseDuration(declared) / 1000);
    }
    for (const source of status.sources)
      history.set({ source: source.source }, notInHistory(source));
    for (const { view, generation, state, progress } of status.replays)
      if (state === 'filling' || state === 'ready')
        replay.set({ view, generation: String(generation) }, progress);
    for (const store of ['cache', 'durable', 'history'] as const)
      readsByStore.inc({ store }, status.readsByStore?.[store] ?? 0);
    for (const mode of DEGRADED_MODES)
      degraded.set({ mode }, status.degraded?.includes(mode) === true ? 1 : 0);
    for (const { name: job, state, restarts: count, checkpointAt } of jobsOf(status)) {
      running.set({ engine_job: job }, state === 'RUNNING' ? 1 : 0);
      restarts.set({ engine_job: job }, count);
      if (checkpointAt !== null) checkpoint.set({ engine_job: job }, checkpointAt / 1000);
    }
    commits.set(outbox.head);
    behind.set(Math.max(0, outbox.head - outbox.position));
    failing.set(outbox.failing ? 1 : 0);
    if (status.storage !== undefined) {
      logSize.set(status.storage.logBytes);
      logFree.set(status.storage.logFreeBytes);
      historySize.set(status.storage.historyBytes);
    }
    if (disk !== null) {
      size.set(disk.size);
      free.set(disk.free);
    }
  };
};
