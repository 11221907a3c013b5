/** The state of every source, view and replay: what it has computed and how far it lags. */

import type {
  EngineJob,
  Operations,
  PlatformStatus,
  ReadsByStore,
} from '#domain/api/operations.ts';
import type { Replays } from '#domain/api/replays.ts';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { messageOf } from '#domain/error-message.ts';
import type { DegradedMode } from '#domain/ports/degraded.ts';
import type { EngineGeneration } from '#domain/ports/engine.ts';
import type { HistorySnapshot, HistoryTables } from '#domain/ports/history.ts';
import { formatPosition, type Log } from '#domain/ports/log.ts';
import { lateTopic, rawTopic, rejectedTopic } from '#domain/ports/topics.ts';
import { formatDuration } from '#domain/values/duration.ts';
import type { Position } from '#domain/values/value.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { rollupTopics } from '#projections/rollups/rollup-topics.ts';
import { createRecordCounts } from './record-counts.ts';
import { keptEvents, newestSnapshot, type StorageSizes, storageOf } from './storage.ts';

export interface StatusDependencies {
  readonly profile: string;
  readonly version: string;
  readonly startedAt: number;
  readonly dataDirectory: string;
  readonly log: Log;
  readonly history: Pick<HistoryTables, 'endOffsets' | 'lost' | 'problems' | 'snapshot'>;
  /** absent: other servers store the data */
  readonly storage?: StorageSizes;
  readonly catalog: Catalog;
  readonly liveGeneration: (view: string) => EngineGeneration | null;
  readonly fillingGeneration: (view: string) => EngineGeneration | null;
  /** whether reads of the view answer */
  readonly readable: (view: string) => boolean;
  readonly problem: (view: string) => string | null;
  readonly replays: Replays['list'];
  readonly now: () => number;
  readonly memoryBytes: () => number;
  readonly jobs?: () => readonly EngineJob[];
  readonly readsByStore?: () => ReadsByStore;
  readonly degraded: () => readonly DegradedMode[];
}

const at = (offsets: readonly number[]): readonly Position[] =>
  offsets.map((offset, partition) => ({ partition, offset }));
const finite = (n: number): number | null => (Number.isFinite(n) ? n : null);

export const createStatus = (
  dependencies: StatusDependencies,
): Pick<Operations, 'status' | 'freshness'> => {
  const { log, history, catalog, liveGeneration, fillingGeneration, storage } = dependencies;
  const endOf = async (topic: string): Promise<readonly number[]> =>
    log.end(topic).catch(() => [0]);
  const counts = createRecordCounts(log);
  const recordsOf = (topic: string, snapshot: HistorySnapshot | null): Promise<number> =>
    counts(topic, snapshot).catch(() => 0);
  /** A log that does not answer has no size. */
  const sizesOf = (sizes: StorageSizes): Promise<Pick<PlatformStatus, 'storage'>> =>
    storageOf(log, history, sizes, rollupTopics(catalog)).then(
      (found) => ({ storage: found }),
      () => ({}),
    );
  const total = (offsets: readonly number[]): number => offsets.reduce((a, b) => a + b, 0);

  const views = (): { name: string; version: number }[] =>
    catalog
      .streams('feature-view')
      .flatMap(({ name, state }) =>
        state.status === 'retired' ? [] : [{ name, version: state.versions.at(-1)?.version ?? 0 }],
      );

  const viewStatus = async ({
    name,
    version,
  }: {
    name: string;
    version: number;
  }): Promise<PlatformStatus['views'][number]> => {
    const live = liveGeneration(name);
    const shown = live ?? fillingGeneration(name);
    const error = dependencies.problem(name) ?? shown?.error()?.message ?? null;
    const ends = shown && (await log.end(rawTopic(shown.spec.plan.source)).catch(() => undefined));
    return {
      view: name,
      version: live?.spec.version ?? version,
      generation: live?.spec.generation ?? null,
      state: error !== null ? 'stalled' : live === null ? 'filling' : 'live',
      readable: dependencies.readable(name),
      entities: shown?.size().entities ?? 0,
      tiles: shown?.size().tiles ?? 0,
      late: total(await endOf(lateTopic(name))),
      eventTime: shown?.newestEventTime() ?? null,
      position:
        shown === null ? '' : formatPosition(rawTopic(shown.spec.plan.source), shown.positions()),
      lag: shown?.lag(ends ?? undefined) ?? 0,
      error,
      ...(shown?.job?.() == null ? {} : { job: shown.job() as EngineJob }),
    };
  };

  const sourceStatus = async (
    definition: SourceDefinition,
  ): Promise<PlatformStatus['sources'][number]> => {
    const topic = rawTopic(definition.name);
    const [ends, snapshot, endOffsets, lost] = await Promise.all([
      endOf(topic),
      newestSnapshot(history, topic),
      history.endOffsets(topic).catch(messageOf),
      history.lost?.(topic).catch(() => null),
    ]);
    const [events, rejected] = await Promise.all([
      recordsOf(topic, snapshot),
      recordsOf(rejectedTopic(definition.name), null),
    ]);
    const reached = typeof endOffsets === 'string' ? [] : endOffsets;
    const newest = views()
      .map(({ name }) => liveGeneration(name))
      .filter((g) => g?.spec.plan.source === definition.name)
      .map((g) => g?.newestEventTime() ?? Number.NEGATIVE_INFINITY);
    return {
      source: definition.name,
      events,
      rejected,
      position: formatPosition(topic, at(ends)),
      historyPosition: formatPosition(
        topic,
        at(ends.map((_, partition) => reached[partition] ?? 0)),
      ),
      historyError:
        typeof endOffsets === 'string'
          ? endOffsets
          : (history.problems?.().get(topic) ?? lost?.message ?? null),
      newestEventTime: finite(Math.max(Number.NEGATIVE_INFINITY, ...newest)),
      historyBytes: snapshot?.bytes ?? null,
      historyRows: snapshot?.rows ?? null,
      historyHorizon: snapshot?.horizon?.time ?? null,
      ...(storage === undefined ? {} : { kept: keptEvents(await storage.kept(topic)) }),
    };
  };

  return {
    async status() {
      const sources = catalog
        .streams('source')
        .flatMap(({ name }) => catalog.definition('source', name) ?? []);
      return {
        profile: dependencies.profile,
        version: dependencies.version,
        startedAt: dependencies.startedAt,
        dataDirectory: dependencies.dataDirectory,
        memoryBytes: dependencies.memoryBytes(),
        sources: await Promise.all(sources.map(sourceStatus)),
        views: await Promise.all(views().map(viewStatus)),
        replays: await dependencies.replays(),
        ...(dependencies.jobs === undefined ? {} : { jobs: dependencies.jobs() }),
        ...(dependencies.readsByStore === undefined
          ? {}
          : { readsByStore: dependencies.readsByStore() }),
        degraded: dependencies.degraded(),
        ...(storage === undefined ? {} : await sizesOf(storage)),
      };
    },
    async freshness() {
      return views().flatMap(({ name }) => {
        const live = liveGeneration(name);
        if (live === null) return [];
        const eventTime = live.newestEventTime();
        const lagMs = eventTime === null ? null : Math.max(0, dependencies.now() - eventTime);
        const { freshnessMs } = live.spec.plan;
        return [
          {
            view: name,
            generation: live.spec.generation,
            eventTime,
            lagMs,
            target: freshnessMs === null ? null : formatDuration(freshnessMs),
            fresh: freshnessMs === null || lagMs === null ? null : lagMs <= freshnessMs,
          },
        ];
      });
    },
  };
};
