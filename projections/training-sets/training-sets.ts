/**
 * Training sets and batch scores of a running platform ("data sets" in the API). What a request
 * means is pinned first (versions, generations, log offsets, table snapshots); then the builder
 * computes it. So the same request with the same `known` gives the same values.
 */
import {
  type DatasetRequest,
  type DatasetStatus,
  type Datasets,
  noDataset,
} from '#domain/api/datasets.ts';
import { messageOf } from '#domain/error-message.ts';
import { fail, MillraceError } from '#domain/errors.ts';
import type { DatasetChange, ReadSnapshot } from '#domain/ports/lineage.ts';
import type { TrainingSetBuilder } from '#domain/ports/training-set-builder.ts';
import { spineOfValues, TIME_COLUMN } from '#domain/training-sets/spine-of-values.ts';
import type { TrainingSetTarget } from '#domain/training-sets/training-set-plan.ts';
import { formatTime } from '#domain/values/time.ts';
import type { Row } from '#domain/values/value.ts';
import type { EventTimeValues } from '#projections/skew/skew.ts';
import { type Computing, entitiesOf, type RowsOfSource } from './entities.ts';
import { type HistoryDependencies, pinHistory } from './pin-history.ts';
import { createPins, type Pinned } from './pin-target.ts';

export interface TrainingSetDependencies extends HistoryDependencies {
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
  extends Pick<Datasets, 'start' | 'get' | 'ended' | 'cancel' | 'batch'> {
  /** what a service consists of now */
  readonly target: (service: string) => TrainingSetTarget;
  /** event-time values of these rows, in their order, over the events known at a time */
  readonly eventTimeValues: (
    service: string,
    spine: readonly Row[],
    known: number,
  ) => Promise<EventTimeValues>;
  readonly close: () => Promise<void>;
}

interface Running {
  status: DatasetStatus;
  readonly abort: AbortController;
  readonly snapshots: ReadSnapshot[];
  done: Promise<void>;
}

type Requester = Pick<DatasetChange, 'kind' | 'actor'>;

const problemOf = (error: unknown): NonNullable<DatasetStatus['error']> =>
  error instanceof MillraceError
    ? error.toJSON()
    : {
        code: 'MR_DATASET_FAILED',
        message: `the data set could not be built: ${messageOf(error)}`,
      };

export const createTrainingSets = (dependencies: TrainingSetDependencies): TrainingSets => {
  const { builder, engine, readTime, presentTime, now, newId, emit } = dependencies;
  const { pin, definitionsOf } = createPins(dependencies.catalog, engine);
  const started = new Map<string, Running>();
  /** work that no request has an id of */
  const unnamed = new Map<AbortController, Promise<unknown>>();

  const build = async (
    request: DatasetRequest,
    pinned: Pinned,
    running: Running,
  ): Promise<void> => {
    const update = (patch: Partial<DatasetStatus>): void => {
      running.status = { ...running.status, ...patch };
    };
    const { out, known } = running.status;
    const { signal } = running.abort;
    try {
      const { mode, spine, overwrite, withStatus = false } = request;
      const files = await pinHistory(dependencies, definitionsOf, pinned, {
        mode,
        known,
        onRead: (snapshot) => running.snapshots.push(snapshot),
      });
      const job = { target: pinned.target, spine, out, overwrite, mode, withStatus, ...files };
      const { rows, features } = await builder.build(job, {
        signal,
        onProgress: ({ stage, progress }) => update({ stage, progress }),
      });
      update({ state: 'done', progress: 1, stage: 'done', rows, features, finishedAt: now() });
    } catch (error) {
      if (signal.aborted)
        return update({ state: 'cancelled', stage: 'cancelled', finishedAt: now() });
      update({ state: 'failed', stage: 'failed', error: problemOf(error), finishedAt: now() });
    }
  };

  const begin = (request: DatasetRequest, requester: Requester): Running => {
    const pinned = pin(request.target);
    if ('file' in request.spine) builder.checkSpine(request.spine.file);
    const id = `ds-${newId().slice(0, 8)}`;
    const running: Running = {
      status: {
        id,
        state: 'running',
        progress: 0,
        stage: 'starting',
        rows: null,
        out: builder.outputPath(id, request.out, request.overwrite),
        mode: request.mode,
        features: [],
        views: pinned.views.map(({ view, version, generation }) => ({ view, version, generation })),
        known: request.known ?? readTime(),
        error: null,
        startedAt: now(),
        finishedAt: null,
      },
      abort: new AbortController(),
      snapshots: [],
      done: Promise.resolve(),
    };
    started.set(id, running);
    const { members, views } = pinned.target;
    const sources = [...new Set(views.map(({ source }) => source.name))];
    const report = (bytes: number | null): void => {
      const { status, snapshots } = running;
      emit?.({ ...requester, status, request, snapshots, members, sources, bytes });
    };
    report(null);
    running.done = build(request, pinned, running).then(async () => {
      if (emit !== undefined) report(await builder.outputBytes(running.status.out));
    });
    return running;
  };

  const find = (id: string): Running => started.get(id) ?? noDataset(id);

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

  return {
    start: async (request, { actor }) => begin(request, { kind: 'dataset', actor }).status,
    get: async (id) => find(id).status,
    ended: async (id) => find(id).done,
    async cancel(id) {
      const running = find(id);
      running.abort.abort();
      await running.done;
      return running.status;
    },
    async batch({ target, at, out, overwrite, withStatus = false }, { actor }) {
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
      const running = begin(request, { kind: 'batch', actor });
      await running.done;
      const { status } = running;
      if (status.error !== null)
        throw new MillraceError(status.error.code, status.error.message, status.error.details);
      return { rows: status.rows ?? 0, out: status.out };
    },
    target: (service) => pin({ service }).target,
    eventTimeValues,
    async close() {
      for (const { abort } of started.values()) abort.abort();
      for (const abort of unnamed.keys()) abort.abort();
      await Promise.all([...started.values()].map((running) => running.done));
      await Promise.all(unnamed.values());
    },
  };
};
