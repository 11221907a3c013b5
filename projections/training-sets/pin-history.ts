/**
 * What a training set reads: of each source's table, the newest snapshot that has all that was
 * known at a time, and in `as-served` mode the generations of each view, with the time that each
 * answers.
 */
import type { HistoryTables } from '#domain/ports/history.ts';
import type { ReadSnapshot } from '#domain/ports/lineage.ts';
import type { Log } from '#domain/ports/log.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import type {
  AnsweringGeneration,
  RawFiles,
  TrainingSetJob,
} from '#domain/ports/training-set-builder.ts';
import { answeredTimes } from '#domain/registry/answered-times.ts';
import { initialState } from '#domain/registry/state.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import type { LateEvents } from '#projections/late/late.ts';
import type { Pinned, PinnedView, Pins } from './pin-target.ts';

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
  { target, views }: Pinned,
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

  const timelineOf = ({ view, pinned, ...present }: PinnedView): Promise<AnsweringGeneration[]> =>
    Promise.all(
      answeredTimes(
        catalog.stream('feature-view', view)?.state ?? initialState,
        present,
        pinned,
      ).map(async (answered) => ({
        ...answered,
        definitions: definitionsOf(view, answered.version),
        late: await late.positions(view, answered.generation),
      })),
    );

  const sources: Record<string, RawFiles> = {};
  for (const { source } of target.views)
    sources[source.name] ??= await filesOf(rawTopic(source.name));
  if (mode === 'event-time') return { sources };
  const timelines: Record<string, readonly AnsweringGeneration[]> = {};
  for (const view of views) timelines[view.view] = await timelineOf(view);
  return { sources, timelines };
};
