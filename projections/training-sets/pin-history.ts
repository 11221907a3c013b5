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
import { countsKnownTimes } from '#domain/sources/knowledge.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import type { FindImports } from '#projections/imports/imports.ts';
import type { LateEvents } from '#projections/late/late.ts';
import type { Pinned, PinnedView, Pins } from './pin-target.ts';

export interface HistoryDependencies {
  readonly catalog: Catalog;
  readonly log: Pick<Log, 'offsetsAt' | 'end'>;
  readonly imports: FindImports;
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
  { catalog, log, imports, history, late }: HistoryDependencies,
  definitionsOf: Pins['definitionsOf'],
  { target, views }: Pinned,
  { mode, known, onRead }: PinRequest,
): Promise<Pick<TrainingSetJob, 'sources' | 'timelines'>> => {
  /** The table's files, with at least all records below the pinned offsets. */
  const filesOf = async (source: string): Promise<RawFiles> => {
    const topic = rawTopic(source);
    const below = await log.offsetsAt(topic, known);
    const imported = await imports(source);
    // Imported events can be known although the log has accepted them later.
    const wanted =
      imported !== null && countsKnownTimes(imported, known) ? await log.end(topic) : below;
    const endOffsets = await history.endOffsets(topic);
    if (wanted.some((offset, partition) => offset > (endOffsets[partition] ?? 0)))
      await history.sync(topic);
    const snapshot = await history.snapshot(topic);
    onRead?.({ topic, snapshot: snapshot === null ? null : String(snapshot.id), below });
    const files = snapshot === null ? [] : await history.dataFiles(topic, snapshot.id);
    return {
      files,
      below,
      ...(snapshot?.horizon == null ? {} : { horizon: snapshot.horizon.time }),
      ...(imported === null ? {} : { imports: { ...imported, known } }),
    };
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
  for (const { source } of target.views) sources[source.name] ??= await filesOf(source.name);
  if (mode === 'event-time') return { sources };
  const timelines: Record<string, readonly AnsweringGeneration[]> = {};
  for (const view of views) timelines[view.view] = await timelineOf(view);
  return { sources, timelines };
};
