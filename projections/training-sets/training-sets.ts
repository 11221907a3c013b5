/**
 * Training sets and batch scores of a running platform ("data sets" in the API). What a request
 * means is pinned first (versions, generations, log offsets, table snapshots); then the builder
 * computes it. So the same request with the same `known` gives the same values.
 */
import type { Caller } from '#domain/api/caller.ts';
import type {
  CheckDataset,
  DatasetOrigin,
  DatasetRequest,
  DatasetStatus,
  Datasets,
} from '#domain/api/datasets.ts';
import { checkSpine } from '#domain/datasets/check-spine.ts';
import { diffDatasets } from '#domain/datasets/diff.ts';
import { fail, MillraceError } from '#domain/errors.ts';
import type { DatasetJob } from '#domain/ports/dataset-jobs.ts';
import type { DatasetChange, ReadSnapshot } from '#domain/ports/lineage.ts';
import type { TrainingSetBuilder } from '#domain/ports/training-set-builder.ts';
import { spineOfValues, TIME_COLUMN } from '#domain/training-sets/spine-of-values.ts';
import type { TrainingSetTarget } from '#domain/training-sets/training-set-plan.ts';
import { formatTime } from '#domain/values/time.ts';
import type { Row } from '#domain/values/value.ts';
import type { EventTimeValues } from '#projections/skew/skew.ts';
import {
  createDatasetRuns,
  type DatasetRun,
  type DatasetRunsDependencies,
} from './dataset-runs.ts';
import { type Computing, entitiesOf, type RowsOfSource } from './entities.ts';
import { createEventTimeValues } from './event-time-values.ts';
import { createFoundJobs } from './found-jobs.ts';
import {
  createNamedDatasets,
  type DatasetNames,
  extraSourcesOf,
  type Prepared,
} from './named-datasets.ts';
import { newJob } from './new-job.ts';
import { outputOf, placed } from './output-of.ts';
import { type HistoryDependencies, pinHistory } from './pin-history.ts';
import { createPins } from './pin-target.ts';
import { spineSourceOf } from './recipes.ts';

export interface TrainingSetDependencies
  extends HistoryDependencies,
    Pick<DatasetRunsDependencies, 'jobs' | 'gateway' | 'warn'> {
  readonly builder: TrainingSetBuilder;
  readonly names: DatasetNames;
  /** version of Millrace */
  readonly version: string;
  readonly engine: Parameters<typeof createPins>[1] & { readonly generation: Computing };
  readonly rowsAt: RowsOfSource;
  /** epoch ms: the `known` of a request that names none */
  readonly readTime: () => number;
  /** the default time of a batch, epoch ms */
  readonly presentTime: () => number;
  readonly now: () => number;
  readonly newId: () => string;
  /** called when a training set starts, and when it has ended */
  readonly emit?: (run: DatasetChange) => void;
}

export interface TrainingSets
  extends Pick<
    Datasets,
    | 'start'
    | 'rerun'
    | 'manifest'
    | 'diff'
    | 'get'
    | 'list'
    | 'file'
    | 'batches'
    | 'ended'
    | 'cancel'
    | 'batch'
  > {
  /** what a service consists of now */
  readonly target: (service: string) => TrainingSetTarget;
  /** event-time values of these rows, in their order, over the events known at a time */
  readonly eventTimeValues: (
    service: string,
    spine: readonly Row[],
    known: number,
  ) => Promise<EventTimeValues>;
  /** What gateways that have ended were building has failed from now on. */
  readonly recover: () => Promise<void>;
  readonly close: () => Promise<void>;
}

interface Requester extends Pick<DatasetJob, 'kind' | 'actor'> {
  readonly principal: string | null;
}

const requesterOf = (kind: DatasetJob['kind'], { actor, principal }: Caller): Requester => ({
  kind,
  actor,
  principal: principal?.id ?? null,
});

const originOf = ({ principal: owner, request }: DatasetJob): DatasetOrigin => ({
  owner,
  sources: extraSourcesOf(request.spine),
});

/** Data sets of a list. */
const LISTED = 1_000;

export const createTrainingSets = (dependencies: TrainingSetDependencies): TrainingSets => {
  const { builder, engine, names, readTime, presentTime, now, emit, gateway } = dependencies;
  const { pin } = createPins(dependencies.catalog, engine);
  const runs = createDatasetRuns(dependencies);
  const named = createNamedDatasets({
    ...dependencies,
    pin,
    isRunning: (id) =>
      runs.find(id).then(
        ({ status }) => status.state === 'running',
        () => false,
      ),
  });
  const found = createFoundJobs(runs, names);
  const values = createEventTimeValues(dependencies, pin);

  const begin = async (
    prepared: Prepared,
    requester: Requester,
    caller: Caller,
  ): Promise<DatasetRun> => {
    const { request, pinned, naming } = prepared;
    const known = request.known ?? readTime();
    const recipe = naming?.manifest?.recipe ?? null;
    const extraSources = extraSourcesOf(request.spine);
    const [spineSource] = extraSources.map((name) =>
      spineSourceOf(dependencies.catalog, name, recipe),
    );
    const snapshots: ReadSnapshot[] = [];
    const { kind, actor } = requester;
    const { members, views } = pinned.target;
    const sources = [...new Set([...views.map(({ source }) => source.name), ...extraSources])];
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
    const run = await runs.begin(jobOf, async ({ job, signal, update }) => {
      const { mode, spine, overwrite, withStatus = false } = request;
      const files = await pinHistory(dependencies, pinned, {
        mode,
        known,
        extraSources,
        recipe,
        onRead: (snapshot) => snapshots.push(snapshot),
      });
      const { out, id } = job.status;
      const build = {
        target: pinned.target,
        spine,
        ...(spineSource === undefined ? {} : { spineSource }),
        out,
        overwrite,
        mode,
        withStatus,
        ...files,
      };
      const options = { signal, onProgress: update, partial: job.partial };
      if (naming === null) {
        const { rows, features } = await builder.build(build, options);
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
      const result = await builder.build({ ...build, reproducible }, options);
      const { rows, features, content } = result;
      if (content !== undefined)
        await names.decide(
          { type: 'CompleteDataset', name, version, dataset: id, content },
          caller,
        );
      return { rows, features };
    });
    report(run.job);
    void run.done.then(report);
    return run;
  };

  const prepare = async (request: DatasetRequest): Promise<Prepared> => {
    const { name, spine } = request;
    checkSpine(spine);
    if ('file' in spine) builder.checkSpine(spine.file);
    return name === undefined
      ? { request, pinned: pin(request.target), naming: null }
      : named.prepare({ ...request, name });
  };
  const startOf = async (prepared: Prepared, caller: Caller): Promise<DatasetStatus> =>
    (await begin(prepared, requesterOf('dataset', caller), caller)).job.status;

  /** The job as this platform has it, if the caller may have it. */
  const checked = (
    job: DatasetJob,
    check: CheckDataset | undefined,
    reference: string,
  ): DatasetJob => {
    const here = placed(job, builder, dependencies.jobs);
    check?.(here.status, originOf(here), reference);
    return here;
  };

  return {
    start: async (request, caller) => startOf(await prepare(request), caller),
    async rerun(reference, request, caller) {
      const manifest = named.manifest(reference);
      const { spine } = request;
      if (spine !== undefined) checkSpine(spine);
      if (spine !== undefined && 'file' in spine) builder.checkSpine(spine.file);
      return startOf(await named.again(manifest, request), caller);
    },
    manifest: async (reference) => named.manifest(reference),
    diff: async (first, second) => diffDatasets(named.manifest(first), named.manifest(second)),
    get: async (reference, _caller, check) =>
      checked(await found.job(reference), check, reference).status,
    list: async (_caller, visible = () => true) =>
      (await found.newest(LISTED))
        .map((job) => checked(job, undefined, job.status.id))
        .filter((job) => visible(job.status, originOf(job)))
        .map(({ status }) => status),
    file: async (reference, _caller, check) =>
      outputOf(checked(await found.built(reference), check, reference), builder, gateway.host),
    async batches(reference, _caller, check) {
      const job = checked(await found.built(reference), check, reference);
      const { path } = await outputOf(job, builder, gateway.host);
      if (!/\.parquet$/i.test(path))
        fail(
          'MR_REFUSED',
          `data set "${reference}" is a CSV file, whose columns have no types: make it as Parquet to have it as Arrow`,
          { id: reference },
        );
      return builder.batches(path);
    },
    ended: runs.ended,
    async cancel(reference, _caller, check) {
      const { status } = checked(await found.job(reference), check, reference);
      return checked(await runs.cancel(status.id), undefined, reference).status;
    },
    async batch({ target, at, out, overwrite, withStatus = false }, caller) {
      const time = at ?? presentTime();
      const pinned = pin(target);
      const entities = await entitiesOf(pinned.views, time, engine.generation, dependencies.rowsAt);
      if (entities.length === 0)
        fail('MR_REFUSED', `no entity exists at ${formatTime(time)}, so there is nothing to score`);
      const rows = spineOfValues(
        pinned.target,
        entities.map((entity) => ({ ...entity, [TIME_COLUMN]: time })),
      );
      const request: DatasetRequest = {
        target,
        spine: { rows },
        out,
        mode: 'event-time',
        withStatus,
        ...(overwrite === undefined ? {} : { overwrite }),
      };
      const prepared = { request, pinned, naming: null };
      const { done } = await begin(prepared, requesterOf('batch', caller), caller);
      const { status } = await done;
      if (status.error !== null)
        throw new MillraceError(status.error.code, status.error.message, status.error.details);
      return { rows: status.rows ?? 0, out: status.out };
    },
    target: (service) => pin({ service }).target,
    eventTimeValues: values.compute,
    recover: runs.recover,
    async close() {
      values.abort();
      await runs.close();
      await values.settled();
    },
  };
};
