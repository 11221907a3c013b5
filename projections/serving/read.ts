/**
 * Online reads. Where the kept tiles answer for every row, nothing is awaited and little is
 * allocated; a row whose tiles do not suffice, and every read of the past, is answered from raw
 * events by the same definition.
 */

import type { ReadRequest, ReadResult, ViewAnswer } from '#domain/api/serving.ts';
import { fail } from '#domain/errors.ts';
import { keyOfEntity } from '#domain/plan/entity-key.ts';
import type { EntityKey, FeatureStatus } from '#domain/plan/plan.ts';
import { type Degraded, degraded, modesOf, NOT_DEGRADED } from '#domain/ports/degraded.ts';
import type { FetchedTiles, ServedView, ServingViews } from '#domain/ports/served-view.ts';
import { checkScalar } from '#domain/values/check-scalar.ts';
import type { RawEvent, Row, Value } from '#domain/values/value.ts';
import { readHistorical } from './historical-read.ts';
import { createPlanAfter, type FollowedRegistry } from './plan-after.ts';
import type { RawEvents } from './raw-events.ts';
import {
  createReadPlans,
  type ReadDefinitions,
  type ReadPlan,
  type ViewRead,
} from './read-plan.ts';
import { viewModes } from './view-modes.ts';
import type { WaitFor } from './wait-for.ts';

export interface ReadDependencies {
  readonly definitions: ReadDefinitions;
  readonly views: ServingViews;
  readonly rawEvents: RawEvents;
  /**
   * a time such that every later commit has a later log time: what is read now is what was known
   * then
   */
  readonly readTime: () => number;
  /** by partition, the raw offsets below which all was known at a past time */
  readonly knownBelow: (source: string, known: number) => Promise<readonly number[]>;
  /** positions of events that the online path left out as late */
  readonly leftOut: (
    view: string,
    generation: number,
  ) => Promise<((event: RawEvent) => boolean) | null>;
  readonly waitFor: WaitFor;
  readonly registry: FollowedRegistry;
  /** what the whole platform lacks; absent: nothing ever */
  readonly degraded?: () => Degraded;
}

export type Read = (request: ReadRequest) => Promise<ReadResult>;

const EMPTY: Row = {};

const requestRow = (
  plan: ReadPlan,
  request: readonly Row[] | undefined,
  row: number,
  rows: number,
): Row => {
  if (plan.request.length === 0) return EMPTY;
  const given =
    request === undefined ? EMPTY : request.length === 1 ? (request[0] as Row) : request[row];
  if (request !== undefined && request.length !== 1 && request.length !== rows) {
    return fail(
      'MR_REQUEST_INVALID',
      `"request" has ${request.length} rows for ${rows} entities: give one for all, or one for each`,
    );
  }
  for (const { name, type } of plan.request) {
    const value = given?.[name];
    if (value === undefined) {
      return fail(
        'MR_REQUEST_INVALID',
        `the on-demand features need the request input "${name}" and row ${row} does not give it`,
        { row, field: name },
      );
    }
    if (!(value === null ? type.nullable : checkScalar(type, value))) {
      return fail(
        'MR_REQUEST_INVALID',
        `request input "${name}" of row ${row} is ${JSON.stringify(value)}, which is not ${type.base}`,
        { row, field: name },
      );
    }
  }
  return given ?? EMPTY;
};

/** Computes the on-demand columns of one row from the views' values and the request's inputs. */
const computeOnDemand = (
  plan: ReadPlan,
  viewValues: readonly (readonly Value[])[],
  given: Row,
  values: Value[],
  status: FeatureStatus[],
): void => {
  if (plan.onDemand.length === 0) return;
  const results: Value[] = [];
  for (const feature of plan.onDemand) {
    const inputs: Record<string, Value> = {};
    for (const { parameter, from } of feature.inputs) {
      inputs[parameter] =
        from.from === 'request'
          ? (given[from.name] ?? null)
          : from.from === 'feature'
            ? (viewValues[from.view]?.[from.feature] ?? null)
            : (results[from.index] ?? null);
    }
    const value = feature.evaluate(inputs);
    results.push(value);
    if (feature.column !== null) {
      values[feature.column] = value;
      status[feature.column] = value === null ? 'null' : 'present';
    }
  }
};

/** The tiles of all rows, one request a view. */
const fetchTiles = (
  plan: ReadPlan,
  { entities }: ReadRequest,
  at: number,
): Promise<(FetchedTiles | null)[]> =>
  Promise.all(
    plan.views.map(({ served }) =>
      served.fetch === undefined
        ? null
        : served.fetch(
            entities.map((entity) => keyOfEntity(served.plan, entity)),
            at,
          ),
    ),
  );

const fetchedModes = (fetched: readonly (FetchedTiles | null)[] | null): Degraded =>
  fetched === null
    ? NOT_DEGRADED
    : fetched.reduce((set, tiles) => set | (tiles?.degraded ?? NOT_DEGRADED), NOT_DEGRADED);

const enginesModes = ({ views }: ReadPlan): Degraded =>
  views.reduce((set, { served }) => set | served.degraded(), NOT_DEGRADED);

/** A view each: its rows' newest events, as the read that answered found them. */
type NewestOfRows = (number | null)[][];

const originsOf = (plan: ReadPlan, newest: NewestOfRows | null): Pick<ReadResult, 'origins'> =>
  newest === null ? {} : { origins: { ...plan.columns, newest } };

const newestOfRows = (plan: ReadPlan, request: ReadRequest): NewestOfRows | null =>
  request.origins === true ? plan.views.map(() => []) : null;

const answerOf = (served: ServedView, completeThrough: number | null): ViewAnswer => ({
  view: served.plan.view,
  version: served.version,
  generation: served.generation,
  eventTime: served.newestEventTime(),
  position: served.position(),
  completeThrough,
});

const FOLDED = degraded('history-fold');

const withModes = (result: ReadResult, modes: Degraded): ReadResult =>
  modes === NOT_DEGRADED ? result : { ...result, degraded: modesOf(modes) };

export const createRead = (dependencies: ReadDependencies): Read => {
  const planOf = createReadPlans(dependencies.definitions, dependencies.views);
  const planAfter = createPlanAfter(planOf, dependencies.waitFor, dependencies.registry);

  /** Who answers for a view, and from which raw events, for a read whose `known` is past. */
  const asKnown = async (
    view: ViewRead,
    known: number,
  ): Promise<{
    served: ServedView;
    below: readonly number[];
    leftOut?: (event: RawEvent) => boolean;
  }> => {
    const then = dependencies.views.liveAt(view.served.plan.view, known);
    const served = then ?? view.served;
    const below = await dependencies.knownBelow(served.plan.source, known);
    const leftOut =
      served.plan.latenessMs === null
        ? null
        : await dependencies.leftOut(served.plan.view, served.generation);
    return leftOut === null ? { served, below } : { served, below, leftOut };
  };

  const shared = dependencies.degraded ?? (() => NOT_DEGRADED);

  /** @param modes what made raw events answer */
  const readPast = async (
    plan: ReadPlan,
    request: ReadRequest,
    at: number,
    known: number | null,
    now: number,
    modes: Degraded,
  ): Promise<ReadResult> => {
    const rows = request.entities.length;
    const answered = await Promise.all(
      plan.views.map(async (view) =>
        known === null ? { served: view.served } : await asKnown(view, known),
      ),
    );
    const values: Value[][] = [];
    const status: FeatureStatus[][] = [];
    const newest = newestOfRows(plan, request);
    for (let row = 0; row < rows; row++) {
      const entity = request.entities[row] as EntityKey;
      const rowValues: Value[] = new Array(plan.features.length).fill(null);
      const rowStatus: FeatureStatus[] = new Array(plan.features.length).fill('null');
      const viewValues: (readonly Value[])[] = [];
      for (const [v, view] of plan.views.entries()) {
        const source = answered[v] as {
          served: ServedView;
          below?: readonly number[];
          leftOut?: (event: RawEvent) => boolean;
        };
        const whole = source.served.plan;
        const past = {
          ...whole,
          features: whole.features.filter((feature) => view.needed.has(feature.name)),
        };
        const key = keyOfEntity(past, entity);
        const result = await readHistorical(dependencies.rawEvents, {
          ...source,
          plan: past,
          key,
          at,
        });
        newest?.[v]?.push(
          result.events.length === 0
            ? null
            : Math.max(...result.events.map(({ eventTime }) => eventTime)),
        );
        // A version that was live then may order its features otherwise, or not have one yet.
        const byName = view.served.plan.features.map((feature) =>
          past.features.findIndex((f) => f.name === feature.name),
        );
        viewValues.push(byName.map((index) => (index < 0 ? null : (result.values[index] ?? null))));
        for (const { feature, column } of view.columns) {
          const index = byName[feature] as number;
          rowValues[column] = index < 0 ? null : (result.values[index] as Value);
          rowStatus[column] = index < 0 ? 'not-found' : (result.status[index] as FeatureStatus);
        }
      }
      computeOnDemand(
        plan,
        viewValues,
        requestRow(plan, request.request, row, rows),
        rowValues,
        rowStatus,
      );
      values.push(rowValues);
      status.push(rowStatus);
    }
    const views = answered.map(({ served }) => answerOf(served, known ?? now));
    const result = {
      features: plan.features,
      values,
      status,
      entities: request.entities,
      views,
      at,
      known: known ?? dependencies.readTime(),
      ...originsOf(plan, newest),
    };
    return withModes(result, modes | shared());
  };

  /**
   * From tiles; null where some row's tiles do not suffice. `fetched`: by view, the tiles that a
   * store gave.
   */
  const readPresent = (
    plan: ReadPlan,
    request: ReadRequest,
    at: number,
    known: number,
    views: readonly ViewAnswer[],
    fetched: readonly (FetchedTiles | null)[] | null,
  ): ReadResult | null => {
    const { entities } = request;
    const rows = entities.length;
    const width = plan.features.length;
    const values: Value[][] = new Array(rows);
    const status: (readonly FeatureStatus[])[] = new Array(rows);
    const newest = newestOfRows(plan, request);
    const keepViewValues = plan.onDemand.length > 0;
    const out: Value[] = [];
    const outStatus: FeatureStatus[] = [];
    for (let row = 0; row < rows; row++) {
      const entity = entities[row] as EntityKey;
      const rowValues: Value[] = new Array(width);
      let rowStatus: FeatureStatus[] | null = null;
      const viewValues: Value[][] = [];
      for (let v = 0; v < plan.views.length; v++) {
        const view = plan.views[v] as ViewRead;
        const { served } = view;
        const tiles = fetched === null ? null : (fetched[v] as FetchedTiles | null);
        const outcome =
          tiles === null
            ? served.read(keyOfEntity(served.plan, entity), at, out, outStatus)
            : tiles.read(row, at, out, outStatus);
        if (outcome !== 'ok') return null;
        if (newest !== null)
          newest[v]?.push(
            tiles === null ? served.newest(keyOfEntity(served.plan, entity)) : tiles.newest(row),
          );
        const { columns } = view;
        for (let c = 0; c < columns.length; c++) {
          const { feature, column } = columns[c] as ViewRead['columns'][number];
          rowValues[column] = out[feature] as Value;
          const one = outStatus[feature] as FeatureStatus;
          if (one !== 'present') rowStatus ??= plan.allPresent.slice();
          if (rowStatus !== null) rowStatus[column] = one;
        }
        if (keepViewValues) viewValues.push(out.slice(0, served.plan.features.length));
      }
      if (keepViewValues) {
        rowStatus ??= plan.allPresent.slice();
        computeOnDemand(
          plan,
          viewValues,
          requestRow(plan, request.request, row, rows),
          rowValues,
          rowStatus,
        );
      }
      values[row] = rowValues;
      status[row] = rowStatus ?? plan.allPresent;
    }
    let modes = fetchedModes(fetched) | shared();
    for (let v = 0; v < views.length; v++)
      modes |= viewModes(
        (plan.views[v] as ViewRead).served,
        (views[v] as ViewAnswer).completeThrough,
        known,
      );
    const result = {
      features: plan.features,
      values,
      status,
      entities,
      views,
      at,
      known,
      ...originsOf(plan, newest),
    };
    return withModes(result, modes);
  };

  return async (request) => {
    const plan =
      request.after === undefined ? planOf(request) : await planAfter(request, request.after);
    const now = dependencies.readTime();
    const at =
      request.at ?? (request.known !== undefined && request.known < now ? request.known : now);
    if (request.known !== undefined && request.known < now)
      return readPast(plan, request, at, request.known, now, NOT_DEGRADED);
    // Before the stores are asked: what they answer is at least as far.
    const views = plan.views.map(({ served }) => answerOf(served, served.completeThrough(now)));
    const fetched = plan.stored ? await fetchTiles(plan, request, at) : null;
    const present = readPresent(plan, request, at, now, views, fetched);
    if (present !== null) return present;
    // Of a time that is named, raw events are the usual answer.
    const modes =
      request.at === undefined ? fetchedModes(fetched) | enginesModes(plan) | FOLDED : NOT_DEGRADED;
    return readPast(plan, request, at, null, now, modes);
  };
};
