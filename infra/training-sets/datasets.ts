/**
 * Training sets and batch scores of a running platform: what a request means is pinned first
 * (versions, generations, log offsets, table snapshots), then built in a thread of its own from the
 * history's files, so that serving is not disturbed and the same request with the same `known`
 * gives the same values.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fail, MillraceError } from '#domain/errors.ts';
import { decodeKey } from '#domain/plan/entity-key.ts';
import type { EngineGeneration } from '#domain/ports/engine.ts';
import type { HistoryTables } from '#domain/ports/history.ts';
import type { DatasetChange, ReadSnapshot } from '#domain/ports/lineage.ts';
import type { Log } from '#domain/ports/log.ts';
import type { Caller, DatasetRequest, DatasetStatus, Platform } from '#domain/ports/platform.ts';
import type { ServingViews } from '#domain/ports/served-view.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import type { DatasetTarget } from '#domain/training-sets/dataset-plan.ts';
import type { Position, Row } from '#domain/values/value.ts';
import type { HybridClock } from '#infra/shared/clock/hybrid-clock.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import type { LateEvents } from '#projections/late/late.ts';
import type { EventTimeValues } from '#projections/skew/skew.ts';
import type { DatasetJob, LiveGeneration, RawFiles, ServedView } from './dataset-job.ts';
import { createPins, type Pinned } from './pin-target.ts';
import { numbered, readValues } from './read-values.ts';
import { runDataset } from './run-dataset.ts';

export interface DatasetDependencies {
  /** where data sets without a path of their own are kept */
  readonly directory: string;
  readonly catalog: Catalog;
  readonly log: Log;
  readonly history: HistoryTables;
  readonly manager: ServingViews & {
    readonly generation: (view: string, generation: number) => EngineGeneration | null;
  };
  readonly late: LateEvents;
  readonly clock: Pick<HybridClock, 'readTime'>;
  readonly now: () => number;
  /** called when a data set begins and when it has ended; absent: lineage is off */
  readonly onChange?: (change: DatasetChange) => void;
}

export interface Datasets {
  readonly start: Platform['startDataset'];
  readonly status: Platform['dataset'];
  readonly cancel: Platform['cancelDataset'];
  readonly batch: Platform['batch'];
  /** what a service is made of now */
  readonly target: (service: string) => DatasetTarget;
  /** event-time values of these rows over what was known at a time, in their order */
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

interface Asked {
  readonly kind: DatasetChange['kind'];
  readonly actor: string;
}

export const createDatasets = (dependencies: DatasetDependencies): Datasets => {
  const { catalog, log, history, manager, late, clock, now } = dependencies;
  mkdirSync(dependencies.directory, { recursive: true });
  const known = new Map<string, Running>();

  const { pin, definitionsOf } = createPins(catalog, manager);

  /** The table's files, holding at least all below the pinned offsets. */
  const filesOf = async (
    topic: string,
    below: readonly number[],
    read: ReadSnapshot[],
  ): Promise<readonly string[]> => {
    const endOffsets = await history.endOffsets(topic);
    if (below.some((offset, partition) => offset > (endOffsets[partition] ?? 0)))
      await history.sync(topic);
    const snapshot = await history.snapshot(topic);
    read.push({ topic, snapshot: snapshot === null ? null : String(snapshot.id), below });
    return snapshot === null ? [] : history.dataFiles(topic, snapshot.id);
  };

  const rawFiles = async (
    source: string,
    time: number,
    read: ReadSnapshot[],
  ): Promise<RawFiles> => {
    const topic = rawTopic(source);
    const below = await log.offsetsAt(topic, time);
    return { files: await filesOf(topic, below, read), below };
  };

  const featureLogHistory = async (
    view: string,
    time: number,
    read: ReadSnapshot[],
  ): Promise<ServedView> => {
    const topic = featuresTopic(view);
    const state = catalog.stream('feature-view', view)?.state;
    const timeline = state?.timeline ?? [];
    const generations: LiveGeneration[] = [];
    for (const [i, { generation, from }] of timeline.entries()) {
      const version = state?.generations.find((g) => g.generation === generation)?.version ?? 1;
      const leftOut: readonly Position[] = await late.positions(view, generation);
      generations.push({
        generation,
        version,
        definitions: definitionsOf(view, version),
        from,
        to: timeline[i + 1]?.from ?? null,
        late: leftOut,
      });
    }
    return { generations, updates: await filesOf(topic, await log.offsetsAt(topic, time), read) };
  };

  const build = async (
    request: DatasetRequest,
    pinned: Pinned,
    time: number,
    out: string,
    running: Running,
  ): Promise<void> => {
    const update = (patch: Partial<DatasetStatus>): void => {
      running.status = { ...running.status, ...patch };
    };
    try {
      const sources: Record<string, RawFiles> = {};
      for (const { source } of pinned.target.views)
        sources[source.name] ??= await rawFiles(source.name, time, running.snapshots);
      const servedViews: Record<string, ServedView> = {};
      if (request.mode === 'as-served')
        for (const { view } of pinned.target.views)
          servedViews[view.name] = await featureLogHistory(view.name, time, running.snapshots);
      const job: DatasetJob = {
        target: pinned.target,
        spine: request.spine,
        out,
        mode: request.mode,
        sources,
        ...(request.mode === 'as-served' ? { served: servedViews } : {}),
      };
      const result = await runDataset(job, {
        signal: running.abort.signal,
        onProgress: ({ stage, progress }) => update({ stage, progress }),
      });
      update({
        state: 'done',
        progress: 1,
        stage: 'done',
        rows: result.rows,
        features: result.features,
        finishedAt: now(),
      });
    } catch (error) {
      if (running.abort.signal.aborted)
        return update({ state: 'cancelled', stage: 'cancelled', finishedAt: now() });
      const problem =
        error instanceof MillraceError
          ? error.toJSON()
          : {
              code: 'MR_DATASET_FAILED' as const,
              message: `the data set could not be built: ${error instanceof Error ? error.message : String(error)}`,
            };
      update({ state: 'failed', stage: 'failed', error: problem, finishedAt: now() });
    }
  };

  /** @param asked null: for the platform's own use, told to nobody */
  const begin = async (
    request: DatasetRequest,
    asked: Asked | null,
    pinned: Pinned = pin(request.target),
  ): Promise<Running> => {
    const id = `ds-${randomUUID().slice(0, 8)}`;
    const time = request.known ?? clock.readTime();
    const out =
      request.out === undefined
        ? join(dependencies.directory, `${id}.parquet`)
        : resolve(request.out);
    const status: DatasetStatus = {
      id,
      state: 'running',
      progress: 0,
      stage: 'starting',
      rows: null,
      out,
      mode: request.mode,
      features: [],
      views: pinned.views,
      known: time,
      error: null,
      startedAt: now(),
      finishedAt: null,
    };
    const running: Running = {
      status,
      abort: new AbortController(),
      snapshots: [],
      done: Promise.resolve(),
    };
    known.set(id, running);
    const { members } = pinned.target;
    const sources = [...new Set(pinned.target.views.map(({ source }) => source.name))];
    const tell = (bytes: number | null): void => {
      if (asked !== null)
        dependencies.onChange?.({
          ...asked,
          status: running.status,
          request,
          snapshots: running.snapshots,
          members,
          sources,
          bytes,
        });
    };
    tell(null);
    running.done = build(request, pinned, time, out, running).then(async () => {
      if (dependencies.onChange !== undefined)
        tell(
          await stat(out).then(
            ({ size }) => size,
            () => null,
          ),
        );
    });
    return running;
  };

  const find = (id: string): Running =>
    known.get(id) ?? fail('MR_NOT_FOUND', `there is no data set "${id}" in this process`, { id });

  /** Every entity that the views know, by the view whose keys include those of all others. */
  const entitiesOf = async (views: Pinned['views']): Promise<readonly Row[]> => {
    const stores = await Promise.all(
      views.map(
        ({ view, generation }) =>
          manager.generation(view, generation as number)?.tiles() ??
          fail('MR_NOT_FOUND', `view "${view}" is not computing`),
      ),
    );
    const widest = stores.find((store) =>
      stores.every((other) =>
        other.plan.keys.every(({ name }) => store.plan.keys.some((k) => k.name === name)),
      ),
    );
    if (widest === undefined) {
      return fail(
        'MR_ENTITY_INVALID',
        `no entity has the keys of all views (${views.map((v) => v.view).join(', ')}): score each view by itself`,
        {},
      );
    }
    const same = stores.filter((store) => store.plan.keys.length === widest.plan.keys.length);
    const keys = new Set(same.flatMap((store) => store.keys));
    return [...keys].map((key) => ({ ...decodeKey(key, widest.plan.keys) }));
  };

  return {
    start: async (request, caller) =>
      (await begin(request, { kind: 'dataset', actor: caller.actor })).status,
    status: async (id) => find(id).status,
    async cancel(id) {
      const running = find(id);
      running.abort.abort();
      await running.done;
      return running.status;
    },
    async batch({ target, at, out }, caller: Caller) {
      const time = at ?? clock.readTime();
      const rows = (await entitiesOf(pin(target).views)).map((entity) => ({
        ...entity,
        event_timestamp: time,
      }));
      const asked = { kind: 'batch', actor: caller.actor } as const;
      const running = await begin({ target, spine: { rows }, out, mode: 'event-time' }, asked);
      await running.done;
      const { status } = running;
      if (status.error !== null)
        throw new MillraceError(status.error.code, status.error.message, status.error.details);
      return { rows: status.rows ?? 0, out: status.out };
    },
    target: (service) => pin({ service }).target,
    async eventTimeValues(service, spine, time) {
      const pinned = pin({ service });
      const { target, views } = pinned;
      if (spine.length === 0) return { target, views, rows: [] };
      const out = join(dependencies.directory, `values-${randomUUID()}.parquet`);
      const request = {
        target: { service },
        spine: { rows: numbered(spine) },
        out,
        mode: 'event-time',
        known: time,
      } as const;
      const running = await begin(request, null, pinned);
      await running.done;
      known.delete(running.status.id);
      const { error } = running.status;
      if (error !== null) throw new MillraceError(error.code, error.message, error.details);
      return { target, views, rows: await readValues(out) };
    },
    async close() {
      for (const { abort } of known.values()) abort.abort();
      await Promise.all([...known.values()].map((running) => running.done));
    },
  };
};
