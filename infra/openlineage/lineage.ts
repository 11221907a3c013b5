/**
 * OpenLineage of a running platform: the registry's commits, the generations that compute and the
 * data sets, as events on the topic `lineage`, and from there to the receiver. The commits are
 * followed as the outbox follows them (from a position on the log, each once, whoever of several
 * processes is quicker), so what was committed is told of, whatever dies in between.
 */
import { messageOf } from '#domain/error-message.ts';
import type { Commit, EventStore } from '#domain/ports/event-store.ts';
import { formatPosition, type Log, type OutgoingRecord } from '#domain/ports/log.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import { LINEAGE_TOPIC, rawTopic } from '#domain/ports/topics.ts';
import { publishOutbox } from '#infra/outbox/publish-outbox.ts';
import { type DatasetTold, datasetRun } from '#projections/lineage/dataset-runs.ts';
import type { LineageEvent } from '#projections/lineage/event.ts';
import { progressed } from '#projections/lineage/generations.ts';
import type { LineageEmitter } from '#projections/lineage/names.ts';
import {
  COMPUTING,
  type RegistryLineage,
  registryLineage,
} from '#projections/lineage/registry-lineage.ts';
import type { RunningGeneration } from '#projections/status/status.ts';
import { type DeliveryStats, startDelivery } from './delivery.ts';
import { type LineageRecord, openLineageLog } from './lineage-log.ts';
import { openRuns } from './open-runs.ts';
import type { LineageSettings } from './settings.ts';
import { transportTo } from './transport.ts';

/**
 * A namespace that is new at the receiver has everything to learn: it is told of from the first
 * commit on.
 */
export const followerOf = (namespace: string): string => `registry-lineage.${namespace}`;
const PAGE = 500;
/**
 * Events of data sets and of progress that wait for the log; past that the newest are left out, and
 * counted.
 */
const MAX_WAITING = 1_000;

export interface LineageStats extends DeliveryStats {
  /** commits of the registry that are not told of yet */
  readonly behind: number;
  /** events that never came onto the log */
  readonly lost: number;
}

export interface Lineage {
  readonly datasetChanged: (told: DatasetTold) => void;
  readonly events: (
    after: number,
    limit: number,
  ) => Promise<{ readonly records: readonly LineageRecord[]; readonly next: number }>;
  readonly stats: () => Promise<LineageStats>;
  readonly close: () => Promise<void>;
}

export interface LineageDependencies {
  readonly settings: LineageSettings;
  readonly emitter: LineageEmitter;
  /** of this process: what it was making when it was killed is told by who comes after */
  readonly runsDirectory: string;
  readonly log: Log;
  readonly schemas: SchemaRegistry;
  readonly eventStore: EventStore;
  /** generations that compute in this platform */
  readonly running: () => readonly RunningGeneration[];
  readonly leads: () => boolean;
  readonly now: () => number;
  readonly warn: (message: string) => void;
}

/**
 * Folds commits wherever the follower asks: on from where it is, or, where another process was
 * quicker, again from the start.
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
  const { settings, emitter, log, schemas, eventStore, running, leads, now, warn } = dependencies;
  const lineage = await openLineageLog(log, schemas);
  const fold = foldOver(eventStore, emitter);
  const consumer = followerOf(settings.namespace);
  await fold.upTo(await log.producerSequence(consumer, LINEAGE_TOPIC));
  const follower = await publishOutbox(
    eventStore,
    log,
    async (commit): Promise<readonly OutgoingRecord[]> =>
      (await fold.eventsOf(commit)).map(lineage.record),
    { consumer, topic: LINEAGE_TOPIC },
  );
  const transport = transportTo(settings.target);
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

  const seen = new Map<string, number>();
  const tellProgress = (): void => {
    if (!leads()) return;
    for (const generation of running()) {
      const { plan, generation: number } = generation.spec;
      const { view, source } = plan;
      const events = generation.events();
      const id = `${view}#${number}`;
      if (seen.get(id) === events) continue;
      seen.set(id, events);
      const told = fold.now().told(view, number, now(), 'Progress');
      if (told === null || !COMPUTING.has(told.record.state)) continue;
      append(
        progressed(fold.now(), emitter, told, {
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
  const timer = setInterval(tellProgress, settings.everyMs);
  timer.unref();

  const ended = (told: DatasetTold): void =>
    append(datasetRun(emitter, told), () => runs.ended(told.status.id));
  const runs = openRuns(dependencies.runsDirectory, ({ status, ...told }) => {
    const error = {
      code: 'MR_DATASET_FAILED',
      message: 'the process that made it ended before it was done',
    } as const;
    ended({ ...told, status: { ...status, state: 'failed', error, finishedAt: now() } });
  });

  return {
    datasetChanged(told) {
      try {
        if (told.status.state !== 'running') return ended(told);
        runs.begun(told);
        append(datasetRun(emitter, told));
      } catch (error) {
        // A disk that is full, say: the data set is none the worse for it.
        lost++;
        warn(`data set ${told.status.id} could not be told of: ${messageOf(error)}`);
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
