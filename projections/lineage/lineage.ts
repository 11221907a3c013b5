/**
 * The lineage projection: follows the registry's commits, the generations that compute and the data
 * sets, and writes OpenLineage events about them to the topic `lineage`; `delivery.ts` sends them
 * to the receiver. Commits are followed as the outbox follows them (from a position on the log,
 * each exactly once, even with several processes), so no commit lacks its events after a crash.
 */
import { messageOf } from '#domain/error-message.ts';
import type { EngineGeneration } from '#domain/ports/engine.ts';
import type { Commit, EventStore } from '#domain/ports/event-store.ts';
import type { DatasetChange, LineageTransport, OpenRunsFile } from '#domain/ports/lineage.ts';
import { formatPosition, type Log, type OutgoingRecord } from '#domain/ports/log.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import { LINEAGE_TOPIC, rawTopic } from '#domain/ports/topics.ts';
import { datasetRun } from '#projections/lineage/dataset-runs.ts';
import type { LineageEvent } from '#projections/lineage/event.ts';
import { progressed } from '#projections/lineage/generations.ts';
import type { LineageEmitter } from '#projections/lineage/names.ts';
import {
  COMPUTING,
  type RegistryLineage,
  registryLineage,
} from '#projections/lineage/registry-lineage.ts';
import { publishOutbox } from '#projections/outbox/publish-outbox.ts';
import { type DeliveryStats, startDelivery } from './delivery.ts';
import { type LineageRecord, openLineageLog } from './lineage-log.ts';

/** One position for each namespace: a new namespace gets events from the first commit on. */
const followerOf = (namespace: string): string => `registry-lineage.${namespace}`;
const PAGE = 500;
/**
 * How many events of data sets and progress may wait for the log; beyond that the newest are
 * dropped and counted.
 */
const MAX_WAITING = 1_000;

export interface LineageStats extends DeliveryStats {
  /** commits of the registry whose events are not on the log yet */
  readonly behind: number;
  /** events that never reached the log */
  readonly lost: number;
}

export interface Lineage {
  readonly datasetChanged: (change: DatasetChange) => void;
  readonly events: (
    after: number,
    limit: number,
  ) => Promise<{ readonly records: readonly LineageRecord[]; readonly next: number }>;
  readonly stats: () => Promise<LineageStats>;
  readonly close: () => Promise<void>;
}

export interface LineageDependencies {
  readonly emitter: LineageEmitter;
  /** how often events about the generations that compute are emitted, ms */
  readonly everyMs: number;
  /** null: events stay on the log, for clients that fetch them */
  readonly transport: LineageTransport | null;
  readonly openRuns: OpenRunsFile;
  readonly log: Log;
  readonly schemas: SchemaRegistry;
  readonly eventStore: EventStore;
  /** generations that compute in this platform */
  readonly running: () => readonly EngineGeneration[];
  /** of several processes, whether this one delivers and emits progress */
  readonly leads: () => boolean;
  readonly now: () => number;
  readonly warn: (message: string) => void;
}

/**
 * Folds commits up to any position: onwards from the current one, or again from the start where the
 * position lies before it because another process was faster.
 */
const foldOver = (eventStore: EventStore, emitter: LineageEmitter) => {
  let fold: RegistryLineage = registryLineage(emitter);
  const upTo = async (position: number): Promise<void> => {
    if (fold.position() > position) fold = registryLineage(emitter);
    while (fold.position() < position) {
      const commits = await eventStore.readAll(
        fold.position(),
        Math.min(PAGE, position - fold.position()),
      );
      if (commits.length === 0) return;
      for (const commit of commits) fold.next(commit);
    }
  };
  return {
    upTo,
    async eventsOf(commit: Commit): Promise<readonly LineageEvent[]> {
      await upTo(commit.position - 1);
      return fold.next(commit);
    },
    now: () => fold,
  };
};

export const openLineage = async (dependencies: LineageDependencies): Promise<Lineage> => {
  const { emitter, transport, log, schemas, eventStore, running, leads, now, warn } = dependencies;
  const lineage = await openLineageLog(log, schemas);
  const fold = foldOver(eventStore, emitter);
  const consumer = followerOf(emitter.namespace);
  await fold.upTo(await log.producerSequence(consumer, LINEAGE_TOPIC));
  const follower = await publishOutbox(
    eventStore,
    log,
    async (commit): Promise<readonly OutgoingRecord[]> =>
      (await fold.eventsOf(commit)).map(lineage.record),
    { consumer, topic: LINEAGE_TOPIC },
  );
  const delivery =
    transport === null
      ? null
      : startDelivery({ log, lineage, transport, leads, warn, now, random: Math.random });

  let [waiting, lost] = [0, 0];
  let appending: Promise<void> = Promise.resolve();
  const append = (event: LineageEvent, onLog: () => void = () => {}): void => {
    if (waiting >= MAX_WAITING) {
      if (lost++ === 0)
        warn(
          `OpenLineage events of data sets are left out: ${MAX_WAITING} of them wait for the log already`,
        );
      return;
    }
    waiting++;
    appending = appending
      .then(() => log.append({ records: [lineage.record(event)] }))
      .then(onLog, (error: unknown) => {
        lost++;
        warn(`an OpenLineage event could not be put on the log: ${messageOf(error)}`);
      })
      .finally(() => waiting--);
  };

  /** by generation: its events when they were last emitted */
  const emitted = new Map<string, number>();
  const emitProgress = (): void => {
    if (!leads()) return;
    for (const generation of running()) {
      const { plan, generation: number } = generation.spec;
      const { view, source } = plan;
      const events = generation.events();
      const id = `${view}#${number}`;
      if (emitted.get(id) === events) continue;
      emitted.set(id, events);
      const change = fold.now().reported(view, number, now(), 'Progress');
      if (change === null || !COMPUTING.has(change.record.state)) continue;
      append(
        progressed(fold.now(), emitter, change, {
          events,
          lag: generation.lag(),
          ...generation.size(),
          newestEventTime: generation.newestEventTime(),
          position: formatPosition(rawTopic(source), generation.positions()),
          error: generation.error()?.message ?? null,
        }),
      );
    }
  };
  const timer = setInterval(emitProgress, dependencies.everyMs);
  timer.unref();

  const ended = (change: DatasetChange): void =>
    append(datasetRun(emitter, change), () => runs.ended(change.status.id));
  const runs = dependencies.openRuns(({ status, ...change }) => {
    const error = {
      code: 'MR_DATASET_FAILED',
      message: 'the process that made it ended before it was done',
    } as const;
    ended({ ...change, status: { ...status, state: 'failed', error, finishedAt: now() } });
  });

  return {
    datasetChanged(change) {
      try {
        if (change.status.state !== 'running') return ended(change);
        runs.begun(change);
        append(datasetRun(emitter, change));
      } catch (error) {
        // For example a full disk: the data set itself is not affected.
        lost++;
        warn(
          `no OpenLineage event could be made of data set ${change.status.id}: ${messageOf(error)}`,
        );
      }
    },
    async events(after, limit) {
      const found: LineageRecord[] = [];
      let next = after;
      while (found.length < limit) {
        const records = await lineage.read(next, 1 << 20);
        const last = records.at(-1);
        if (last === undefined) break;
        found.push(...records);
        next = last.offset + 1;
      }
      const page = found.slice(0, limit);
      return {
        records: page,
        next: page.length === 0 ? next : (page.at(-1) as LineageRecord).offset + 1,
      };
    },
    async stats() {
      const [head, delivered] = await Promise.all([
        eventStore.head(),
        delivery?.stats() ?? { delivered: 0, refused: 0, lag: 0, failing: false },
      ]);
      const failing = delivered.failing || follower.error() !== null;
      return { ...delivered, failing, behind: Math.max(0, head - follower.position()), lost };
    },
    async close() {
      clearInterval(timer);
      await follower.stop();
      await appending;
      await delivery?.close();
    },
  };
};
