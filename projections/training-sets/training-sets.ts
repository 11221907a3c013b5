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
import type { RunStatement } from '#domain/api/sql.ts';
import { checkSpine } from '#domain/datasets/check-spine.ts';
import { diffDatasets } from '#domain/datasets/diff.ts';
import { fail } from '#domain/errors.ts';
import type { DatasetJob } from '#domain/ports/dataset-jobs.ts';
import type { DatasetChange } from '#domain/ports/lineage.ts';
import type { TrainingSetBuilder } from '#domain/ports/training-set-builder.ts';
import { streamOf } from '#domain/registry/events.ts';
import type { TrainingSetTarget } from '#domain/training-sets/training-set-plan.ts';
import type { Row } from '#domain/values/value.ts';
import type { EventTimeValues } from '#projections/skew/skew.ts';
import { createBatch } from './batch.ts';
import { createBeginBuild, requesterOf } from './begin-build.ts';
import { createDatasetRuns, type DatasetRunsDependencies } from './dataset-runs.ts';
import type { Computing, RowsOfSource } from './entities.ts';
import { createEventTimeValues } from './event-time-values.ts';
import { createFoundJobs } from './found-jobs.ts';
import { removeLeft } from './left-files.ts';
import {
  createNamedDatasets,
  type DatasetNames,
  extraSourcesOf,
  type Prepared,
} from './named-datasets.ts';
import { outputOf, placed } from './output-of.ts';
import type { HistoryDependencies } from './pin-history.ts';
import { createPins, type Pinned } from './pin-target.ts';
import { createRowDiffs } from './row-diffs.ts';
import { createSqlSpines, type Statements } from './sql-spines.ts';

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
  /** with no limit to what it may read */
  readonly runStatement: RunStatement;
}

export interface TrainingSets
  extends Pick<
    Datasets,
    | 'start'
    | 'rerun'
    | 'manifest'
    | 'diff'
    | 'diffRows'
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

const originsOf = (spine: DatasetJob['request']['spine']): readonly string[] =>
  'from' in spine
    ? (spine.from ?? [])
    : extraSourcesOf(spine).map((source) => streamOf('source', source));

const originOf = ({ principal: owner, request }: DatasetJob): DatasetOrigin => ({
  owner,
  from: originsOf(request.spine),
});

/** Data sets of a list. */
const LISTED = 1_000;

export const createTrainingSets = (dependencies: TrainingSetDependencies): TrainingSets => {
  const { builder, engine, names, gateway } = dependencies;
  const { pin } = createPins(dependencies.catalog, engine);
  const runs = createDatasetRuns(dependencies);
  const spines = createSqlSpines(builder, dependencies.newId);
  const named = createNamedDatasets({
    ...dependencies,
    pin,
    spines,
    keep: (...request) => kept(...request),
    isRunning: (id) =>
      runs.find(id).then(
        ({ status }) => status.state === 'running',
        () => false,
      ),
  });
  const found = createFoundJobs(runs, names);
  const values = createEventTimeValues(dependencies, pin);
  const rowDiffs = createRowDiffs({ ...dependencies, manifestOf: named.manifest });

  const begin = createBeginBuild({ ...dependencies, runs, named });
  const batch = createBatch({ ...dependencies, pin, begin });

  const kept = async (
    { spine, known }: DatasetRequest,
    { target }: Pinned,
    statements: Statements,
  ): Promise<Pick<Prepared, 'rows'>> => {
    if (!('sql' in spine)) return {};
    const record = await spines.keep(spine.sql, target, known, statements);
    return { rows: { record, path: (await builder.storedSpine(record.stored)) as string } };
  };
  const prepare = async (request: DatasetRequest, statements: Statements): Promise<Prepared> => {
    const { name, spine, engine } = request;
    checkSpine(spine);
    builder.checkEngine(engine);
    if ('file' in spine) builder.checkSpine(spine.file);
    if (name !== undefined) return named.prepare({ ...request, name }, statements);
    const pinned = pin(request.target);
    return { request, pinned, naming: null, ...(await kept(request, pinned, statements)) };
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
    start: async (request, caller, run = dependencies.runStatement) =>
      startOf(await prepare(request, { run, caller }), caller),
    async rerun(reference, request, caller, run = dependencies.runStatement) {
      const manifest = named.manifest(reference);
      const { spine, engine } = request;
      builder.checkEngine(engine);
      if (spine !== undefined) checkSpine(spine);
      if (spine !== undefined && 'file' in spine) builder.checkSpine(spine.file);
      return startOf(await named.again(manifest, request, { run, caller }), caller);
    },
    manifest: async (reference) => named.manifest(reference),
    diff: async (first, second) => diffDatasets(named.manifest(first), named.manifest(second)),
    diffRows: (first, second, request, _caller, check) =>
      rowDiffs(
        [first, second],
        async (reference) => checked(await found.built(reference), check, reference),
        request,
      ),
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
    batch,
    target: (service) => pin({ service }).target,
    eventTimeValues: values.compute,
    async recover() {
      await runs.recover();
      await removeLeft(dependencies);
    },
    async close() {
      values.abort();
      await runs.close();
      await values.settled();
    },
  };
};
