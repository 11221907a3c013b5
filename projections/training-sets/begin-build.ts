/**
 * Begins the build of a prepared request: what it reads is pinned, a new name is decided, the file
 * is written, and what it has is stored under the name.
 */
import type { Caller } from '#domain/api/caller.ts';
import type { SpineTable } from '#domain/datasets/manifest.ts';
import type { BuilderSpine } from '#domain/datasets/spine.ts';
import type { DatasetJob } from '#domain/ports/dataset-jobs.ts';
import type { DatasetChange, ReadSnapshot } from '#domain/ports/lineage.ts';
import type {
  BuildOptions,
  TrainingSetBuilder,
  ValuesJob,
} from '#domain/ports/training-set-builder.ts';
import { streamOf } from '#domain/registry/events.ts';
import type { Built, DatasetRun, DatasetRuns } from './dataset-runs.ts';
import { spinesInUse } from './left-files.ts';
import {
  type DatasetNames,
  extraSourcesOf,
  type NamedDatasets,
  type Prepared,
} from './named-datasets.ts';
import { newJob } from './new-job.ts';
import { type HistoryDependencies, pinHistory } from './pin-history.ts';
import type { PresentValues } from './present-values.ts';
import { spineSourceOf } from './recipes.ts';

export interface Requester extends Pick<DatasetJob, 'kind' | 'actor'> {
  readonly principal: string | null;
}

interface BeginDependencies extends HistoryDependencies {
  readonly builder: TrainingSetBuilder;
  readonly runs: Pick<DatasetRuns, 'begin'>;
  readonly names: DatasetNames;
  readonly named: Pick<NamedDatasets, 'recipeOf'>;
  /** epoch ms: the `known` of a request that names none */
  readonly readTime: () => number;
  readonly now: () => number;
  /** called when a training set starts, and when it has ended */
  readonly emit?: (run: DatasetChange) => void;
}

export const requesterOf = (kind: DatasetJob['kind'], { actor, principal }: Caller): Requester => ({
  kind,
  actor,
  principal: principal?.id ?? null,
});

export type BeginBuild = (
  prepared: Prepared,
  requester: Requester,
  caller: Caller,
) => Promise<DatasetRun>;

const SOURCE = streamOf('source', '');

const sourcesOfTables = (tables: readonly SpineTable[]): readonly string[] =>
  tables.flatMap(({ of }) => (of.startsWith(SOURCE) ? [of.slice(SOURCE.length)] : []));

/** @returns null where the tiles changed meanwhile, so that raw events have to answer */
const writePresent = async (
  { write }: Pick<TrainingSetBuilder, 'write'>,
  job: Omit<ValuesJob, keyof PresentValues>,
  { at, rows, keys, chunks, isLost }: PresentValues,
  options: BuildOptions,
): Promise<Built | null> => {
  try {
    const written = await write({ ...job, at, rows, keys }, chunks(), options);
    return { rows: written.rows, features: written.features };
  } catch (error) {
    if (isLost() && options.signal?.aborted !== true) return null;
    throw error;
  }
};

export const createBeginBuild = (dependencies: BeginDependencies): BeginBuild => {
  const { builder, runs, names, named, readTime, now, emit } = dependencies;

  /** The rows of a statement are kept for names only. */
  const forget = async (rows: Prepared['rows']): Promise<void> => {
    if (rows !== undefined && !spinesInUse(names).has(rows.record.stored))
      await builder.removeSpine(rows.record.stored);
  };

  return async (prepared: Prepared, requester: Requester, caller: Caller): Promise<DatasetRun> => {
    const { request, pinned, naming, rows: kept, present } = prepared;
    const known = request.known ?? readTime();
    const recipe = naming?.manifest?.recipe ?? null;
    const extraSources = extraSourcesOf(request.spine);
    const [spineSource] = extraSources.map((name) =>
      spineSourceOf(dependencies.catalog, name, recipe),
    );
    const snapshots: ReadSnapshot[] = [];
    const { kind, actor } = requester;
    const { members, views } = pinned.target;
    const sources = [
      ...new Set([
        ...views.map(({ source }) => source.name),
        ...extraSources,
        ...sourcesOfTables(kept?.record.tables ?? []),
      ]),
    ];
    const report = ({ status, bytes }: DatasetJob): void =>
      emit?.({ kind, actor, status, request, snapshots, members, sources, bytes });

    const jobOf = (id: string) => {
      const out = builder.outputPath(id, request.out, request.overwrite);
      return {
        ...requester,
        partial: builder.partialPath(id, out),
        home: builder.home,
        ...newJob(id, out, prepared, { known, startedAt: now() }),
      };
    };
    const build = async ({ job, signal, update }: DatasetRun): Promise<Built> => {
      const { mode, overwrite, withStatus = false, engine } = request;
      const { out, id } = job.status;
      const options = { signal, onProgress: update, partial: job.partial };
      if (present !== undefined) {
        const values = { target: pinned.target, out, overwrite, withStatus };
        const built = await writePresent(builder, values, present, options);
        if (built !== null) return built;
      }
      const own = present === undefined ? request.spine : { rows: present.spine() };
      const spine = kept === undefined ? own : { file: kept.path };
      const files = await pinHistory(dependencies, pinned, {
        mode,
        known,
        extraSources,
        recipe,
        onRead: (snapshot) => snapshots.push(snapshot),
      });
      const wanted = {
        target: pinned.target,
        spine: spine as BuilderSpine,
        ...(spineSource === undefined ? {} : { spineSource }),
        out,
        overwrite,
        mode,
        withStatus,
        engine,
        ...files,
      };
      if (naming === null) {
        const { rows, features } = await builder.build(wanted, options);
        return { rows, features };
      }
      const { name, manifest, after } = naming;
      const version = manifest?.version ?? after + 1;
      if (manifest === null) {
        const fresh = named.recipeOf({ ...prepared, naming }, { ...files, known }, snapshots);
        await names.decide(
          { type: 'NameDataset', name, dataset: id, recipe: fresh, by: requester.actor, after },
          caller,
        );
        update({ version });
      }
      const reproducible = { content: manifest?.content ?? null, spine: naming.spine };
      const result = await builder.build({ ...wanted, reproducible }, options);
      const { rows, features, content } = result;
      if (content !== undefined)
        await names.decide(
          { type: 'CompleteDataset', name, version, dataset: id, content },
          caller,
        );
      return { rows, features };
    };
    const work = async (started: DatasetRun): Promise<Built> => {
      try {
        return await build(started);
      } finally {
        await forget(kept);
      }
    };
    const run = await runs.begin(jobOf, work).catch(async (error: unknown) => {
      await forget(kept);
      throw error;
    });
    report(run.job);
    void run.done.then(report);
    return run;
  };
};
