/**
 * The files that a training set reads: of each source's table, and in `as-served` mode of each
 * view's updates, the newest snapshot that has all that was known at a time.
 */
import type { HistoryTables } from '#domain/ports/history.ts';
import type { ReadSnapshot } from '#domain/ports/lineage.ts';
import type { Log } from '#domain/ports/log.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import type {
  LiveGeneration,
  RawFiles,
  TrainingSetJob,
  ViewTimeline,
} from '#domain/ports/training-set-builder.ts';
import type { TrainingSetTarget } from '#domain/training-sets/training-set-plan.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import type { LateEvents } from '#projections/late/late.ts';
import type { Pins } from './pin-target.ts';

export interface HistoryDependencies {
  readonly catalog: Catalog;
  readonly log: Pick<Log, 'offsetsAt'>;
  readonly history: Pick<HistoryTables, 'endOffsets' | 'sync' | 'snapshot' | 'dataFiles'>;
  readonly late: Pick<LateEvents, 'positions'>;
}

export interface PinRequest {
  readonly mode: TrainingSetJob['mode'];
  /** log time, epoch ms */
  readonly known: number;
  /** called for each table whose files are read */
  readonly onRead?: (snapshot: ReadSnapshot) => void;
}

export const pinHistory = async (
  { catalog, log, history, late }: HistoryDependencies,
  definitionsOf: Pins['definitionsOf'],
  { views }: TrainingSetTarget,
  { mode, known, onRead }: PinRequest,
): Promise<Pick<TrainingSetJob, 'sources' | 'timelines'>> => {
  /** The table's files, with at least all records below the pinned offsets. */
  const filesOf = async (topic: string): Promise<RawFiles> => {
    const below = await log.offsetsAt(topic, known);
    const endOffsets = await history.endOffsets(topic);
    if (below.some((offset, partition) => offset > (endOffsets[partition] ?? 0)))
      await history.sync(topic);
    const snapshot = await history.snapshot(topic);
    onRead?.({ topic, snapshot: snapshot === null ? null : String(snapshot.id), below });
    return { files: snapshot === null ? [] : await history.dataFiles(topic, snapshot.id), below };
  };

  const timelineOf = async (view: string): Promise<ViewTimeline> => {
    const state = catalog.stream('feature-view', view)?.state;
    const timeline = state?.timeline ?? [];
    const generations: LiveGeneration[] = [];
    for (const [i, { generation, from }] of timeline.entries()) {
      const version = state?.generations.find((g) => g.generation === generation)?.version ?? 1;
      generations.push({
        generation,
        version,
        definitions: definitionsOf(view, version),
        from,
        to: timeline[i + 1]?.from ?? null,
        late: await late.positions(view, generation),
      });
    }
    const { files } = await filesOf(featuresTopic(view));
    return { generations, updates: files };
  };

  const sources: Record<string, RawFiles> = {};
  for (const { source } of views) sources[source.name] ??= await filesOf(rawTopic(source.name));
  if (mode === 'event-time') return { sources };
  const timelines: Record<string, ViewTimeline> = {};
  for (const { view } of views) timelines[view.name] = await timelineOf(view.name);
  return { sources, timelines };
};
