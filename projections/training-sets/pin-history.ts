/**
 * What a training set reads: of each source's table, the newest snapshot that has all that was
 * known at a time, and in `as-served` mode the generations of each view, with the time that each
 * answers. What a recipe has pinned is read again: a newer snapshot has more events, and they are
 * left out by their offsets.
 */

import type { DatasetRecipe } from '#domain/datasets/manifest.ts';
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
import type { Pinned, PinnedView } from './pin-target.ts';

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
  /** sources that no view reads */
  readonly extraSources?: readonly string[];
  /** what was pinned before; null: nothing */
  readonly recipe?: DatasetRecipe | null;
  /** called for each table whose files are read */
  readonly onRead?: (snapshot: ReadSnapshot) => void;
}

type Reads = Pick<RawFiles, 'below' | 'imports'>;

export const pinHistory = async (
  { catalog, log, imports, history, late }: HistoryDependencies,
  { target, views, definitionsOf }: Pinned,
  { mode, known, extraSources = [], recipe = null, onRead }: PinRequest,
): Promise<Pick<TrainingSetJob, 'sources' | 'timelines'>> => {
  const pinned = (source: string): Reads | null => {
    const record = recipe?.sources[source];
    if (record === undefined) return null;
    const { below, imports: imported } = record;
    return imported === undefined ? { below } : { below, imports: { ...imported, known } };
  };
  const present = async (source: string): Promise<Reads> => {
    const topic = rawTopic(source);
    const below = await log.offsetsAt(topic, known);
    const imported = await imports(source);
    if (imported === null) return { below };
    // Imported events can be known although the log has accepted them later.
    const counts = countsKnownTimes(imported, known);
    const end = counts ? { end: await log.end(topic) } : {};
    return { below, imports: { ...imported, known, ...end } };
  };
  /** The table's files, with at least all records below the pinned offsets. */
  const filesOf = async (source: string): Promise<RawFiles> => {
    const topic = rawTopic(source);
    const reads = pinned(source) ?? (await present(source));
    const { below } = reads;
    const wanted = reads.imports?.end ?? below;
    const endOffsets = await history.endOffsets(topic);
    if (wanted.some((offset, partition) => offset > (endOffsets[partition] ?? 0)))
      await history.sync(topic);
    const snapshot = await history.snapshot(topic);
    onRead?.({ topic, snapshot: snapshot === null ? null : String(snapshot.id), below });
    const files = snapshot === null ? [] : await history.dataFiles(topic, snapshot.id);
    return {
      files,
      ...reads,
      ...(snapshot === null ? {} : { snapshot: String(snapshot.id) }),
      ...(snapshot?.horizon == null ? {} : { horizon: snapshot.horizon.time }),
    };
  };

  type Answered = Omit<AnsweringGeneration, 'definitions' | 'late'>;
  const answersOf = ({ view, pinned: version, ...now }: PinnedView): readonly Answered[] => {
    const recorded = recipe?.views.find((one) => one.view === view)?.answers;
    if (recorded !== undefined)
      return recorded.map(({ generation, version: of, from, to }) => ({
        generation,
        version: of,
        from,
        to,
      }));
    const state = catalog.stream('feature-view', view)?.state ?? initialState;
    return answeredTimes(state, now, version);
  };
  const timelineOf = (view: PinnedView): Promise<AnsweringGeneration[]> =>
    Promise.all(
      answersOf(view).map(async (answered) => ({
        ...answered,
        definitions: definitionsOf(view.view, answered.version),
        late: await late.positions(view.view, answered.generation),
      })),
    );

  const sources: Record<string, RawFiles> = {};
  for (const name of [...target.views.map(({ source }) => source.name), ...extraSources])
    sources[name] ??= await filesOf(name);
  if (mode === 'event-time') return { sources };
  const timelines: Record<string, readonly AnsweringGeneration[]> = {};
  for (const view of views) timelines[view.view] = await timelineOf(view);
  return { sources, timelines };
};
