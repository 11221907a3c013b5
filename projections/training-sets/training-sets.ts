/**
 * Training sets and batch scores of a running platform ("data sets" in the API). What a request
 * means is pinned first (versions, generations, log offsets, table snapshots); then the builder
 * computes it. So the same request with the same `known` gives the same values.
 */
import type { Caller } from '#domain/api/caller.ts';
import type { CheckDataset, DatasetRequest, Datasets } from '#domain/api/datasets.ts';
import { fail, MillraceError } from '#domain/errors.ts';
import type { DatasetJob, KeptRequest } from '#domain/ports/dataset-jobs.ts';
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
  problemOf,
} from './dataset-runs.ts';
import { type Computing, entitiesOf, type RowsOfSource } from './entities.ts';
import { outputOf, placed } from './output-of.ts';
import { type HistoryDependencies, pinHistory } from './pin-history.ts';
import { createPins, type Pinned } from './pin-target.ts';

export interface TrainingSetDependencies
  extends HistoryDependencies,
    Pick<DatasetRunsDependencies, 'jobs' | 'gateway' | 'warn'> {
  readonly builder: TrainingSetBuilder;
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
  extends Pick<Datasets, 'start' | 'get' | 'list' | 'file' | 'ended' | 'cancel' | 'batch'> {
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

/** Data sets of a list. */
const LISTED = 1_000;

const viewsOf = ({ views }: Pinned) =>
  views.map(({ view, version, generation }) => ({ view, version, generation }));

const keptRequest = ({ spine, ...request }: DatasetRequest): KeptRequest => ({
  ...request,
  spine: 'file' in spine ? spine : { rows: spine.rows.length },
});

export const createTrainingSets = (dependencies: TrainingSetDependencies): TrainingSets => {
  const { builder, engine, readTime, presentTime, now, emit, gateway } = dependencies;
  const { pin, definitionsOf } = createPins(dependencies.catalog, engine);
  const runs = createDatasetRuns(dependencies);
  /** work that no request has an id of */
  const unnamed = new Map<AbortController, Promise<unknown>>();

  const begin = async (request: DatasetRequest, requester: Requester): Promise<DatasetRun> => {
    const pinned = pin(request.target);
    if ('file' in request.spine) builder.checkSpine(request.spine.file);
    const known = request.known ?? readTime();
    const snapshots: ReadSnapshot[] = [];
    const { kind, actor } = requester;
    const { members, views } = pinned.target;
    const sources = [...new Set(views.map(({ source }) => source.name))];
    const report = ({ status, bytes }: DatasetJob): void =>
      emit?.({ kind, actor, status, request, snapshots, members, sources, bytes });

    const jobOf = (id: string) => {
      const out = builder.outputPath(id, request.out, request.overwrite);
      return {
        ...requester,
        request: keptRequest(request),
        partial: builder.partialPath(id, out),
        home: builder.home,
        status: {
          id,
          state: 'running',
          progress: 0,
          stage: 'starting',
          rows: null,
          out,
          mode: request.mode,
          features: [],
          views: viewsOf(pinned),
          known,
          error: null,
          startedAt: now(),
          finishedAt: null,
        },
      } as const;
    };
    const run = await runs.begin(jobOf, async ({ job, signal, update }) => {
      const { mode, spine, overwrite, withStatus = false } = request;
      const files = await pinHistory(dependencies, definitionsOf, pinned, {
        mode,
        known,
        onRead: (snapshot) => snapshots.push(snapshot),
      });
      const { out } = job.status;
      const { rows, features } = await builder.build(
        { target: pinned.target, spine, out, overwrite, mode, withStatus, ...files },
        { signal, onProgress: update, partial: job.partial },
      );
      return { rows, features };
    });
    report(run.job);
    void run.done.then(report);
    return run;
  };

  const eventTimeValues: TrainingSets['eventTimeValues'] = async (service, spine, known) => {
    const pinned = pin({ service });
    const { target, views } = pinned;
    if (spine.length === 0) return { target, views, rows: [] };
    const mode = 'event-time';
    const abort = new AbortController();
    const compute = async (): Promise<EventTimeValues['rows']> => {
      const files = await pinHistory(dependencies, definitionsOf, pinned, { mode, known });
      return builder.values({ target, mode, ...files }, spine, { signal: abort.signal });
    };
    const work = compute();
    unnamed.set(
      abort,
      work.catch(() => undefined),
    );
    try {
      return { target, views, rows: await work };
    } catch (error) {
      const { code, message, details } = { details: {}, ...problemOf(error) };
      throw new MillraceError(code, message, details);
    } finally {
      unnamed.delete(abort);
    }
  };

  const here = (job: DatasetJob): DatasetJob => placed(job, builder, dependencies.jobs);
  const found = async (id: string, check?: CheckDataset): Promise<DatasetJob> => {
    const job = here(await runs.find(id));
    check?.(job.status, job.principal);
    return job;
  };

  return {
    start: async (request, caller) =>
      (await begin(request, requesterOf('dataset', caller))).job.status,
    get: async (id, _caller, check) => (await found(id, check)).status,
    list: async (_caller, visible = () => true) =>
      (await runs.newest(LISTED))
        .map(here)
        .filter(({ status, principal }) => visible(status, principal))
        .map(({ status }) => status),
    file: async (id, _caller, check) => outputOf(await found(id, check), builder, gateway.host),
    ended: runs.ended,
    async cancel(id, _caller, check) {
      if (check !== undefined) await found(id, check);
      return here(await runs.cancel(id)).status;
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
      const { done } = await begin(request, requesterOf('batch', caller));
      const { status } = await done;
      if (status.error !== null)
        throw new MillraceError(status.error.code, status.error.message, status.error.details);
      return { rows: status.rows ?? 0, out: status.out };
    },
    target: (service) => pin({ service }).target,
    eventTimeValues,
    recover: runs.recover,
    async close() {
      for (const abort of unnamed.keys()) abort.abort();
      await runs.close();
      await Promise.all(unnamed.values());
    },
  };
};
