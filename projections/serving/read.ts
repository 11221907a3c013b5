/**
 * Online reads and past reads. Tiles answer if they suffice for every row of the request, even for
 * a past `at`. Otherwise, and for every past `known`, raw events answer by the same definition.
 */

import type { ReadBound, ReadRequest, ReadResult } from '#domain/api/serving.ts';
import { fail } from '#domain/errors.ts';
import { coveredFrom } from '#domain/plan/covered-from.ts';
import { keyOfEntity } from '#domain/plan/entity-key.ts';
import { type Degraded, degraded, NOT_DEGRADED } from '#domain/ports/degraded.ts';
import type { FetchedTiles, ServingViews } from '#domain/ports/served-view.ts';
import { shownValue } from '#domain/values/float-digits.ts';
import type { FieldType, Value } from '#domain/values/value.ts';
import { createReadPlans } from './cached-read-plans.ts';
import { createPlanAfter, type FollowedRegistry } from './plan-after.ts';
import { answerOf } from './read-answer.ts';
import { createReadPast, type ReadPastDependencies } from './read-past.ts';
import type { ReadDefinitions, ReadPlan } from './read-plan.ts';
import { createReadPresent, fetchedModes } from './read-present.ts';
import type { WaitFor } from './wait-for.ts';

interface ReadDependencies extends Omit<ReadPastDependencies, 'sharedModes'> {
  readonly definitions: ReadDefinitions;
  readonly views: ServingViews;
  /** a time, epoch ms, such that every later append gets a later log time */
  readonly readTime: () => number;
  readonly waitFor: WaitFor;
  readonly registry: FollowedRegistry;
  /** the event time before which events of a source were deleted, epoch ms; null: none was */
  readonly horizon: (source: string) => number | null;
  /** the degraded modes that concern every read; absent: none ever */
  readonly degraded?: () => Degraded;
}

/** The result with its floats as they are shown; its rows are this read's own. */
const withFloatDigits = ({ floats, columns }: ReadPlan, result: ReadResult): ReadResult => {
  if (floats.length === 0) return result;
  for (const row of result.values as Value[][])
    for (const column of floats)
      row[column] = shownValue(columns.types[column] as FieldType, row[column] as Value);
  return result;
};

export type Read = (request: ReadRequest & ReadBound) => Promise<ReadResult>;

/** @throws MR_QUERY_TOO_LARGE, before anything is computed */
const checkCells = (entities: number, features: number, most: number): void => {
  if (entities * features > most)
    fail(
      'MR_QUERY_TOO_LARGE',
      `${entities} entities times ${features} features are ${entities * features} values in one request: at most ${most}`,
      { limit: most, entities, features },
    );
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

const enginesModes = ({ views }: ReadPlan): Degraded =>
  views.reduce((set, { served }) => set | served.degraded(), NOT_DEGRADED);

/** Whether a value at a past time counts events that were deleted: tiles may lack them, too. */
const reachesDeleted = (
  { views }: ReadPlan,
  at: number,
  horizon: ReadDependencies['horizon'],
): boolean =>
  views.some(({ served: { plan }, needed }) => {
    const time = horizon(plan.source);
    if (time === null) return false;
    const features = plan.features.filter(({ name }) => needed.has(name));
    return coveredFrom({ ...plan, features }, at) < time;
  });

const FOLDED = degraded('history-fold');

export const createRead = (dependencies: ReadDependencies): Read => {
  const planOf = createReadPlans(dependencies.definitions, dependencies.views);
  const planAfter = createPlanAfter(planOf, dependencies.waitFor, dependencies.registry);
  const sharedModes = dependencies.degraded ?? (() => NOT_DEGRADED);
  const readPresent = createReadPresent(sharedModes);
  const readPast = createReadPast({ ...dependencies, sharedModes });

  return async (request) => {
    const plan =
      request.after === undefined ? planOf(request) : await planAfter(request, request.after);
    if (request.maxCells !== undefined)
      checkCells(request.entities.length, plan.columns.types.length, request.maxCells);
    const now = dependencies.readTime();
    const present = dependencies.presentTime();
    const at =
      request.at ?? (request.known === undefined ? present : Math.min(request.known, present));
    if (request.known !== undefined && request.known < now)
      return withFloatDigits(
        plan,
        await readPast(plan, request, at, request.known, now, NOT_DEGRADED),
      );
    if (request.at !== undefined && at < present && reachesDeleted(plan, at, dependencies.horizon))
      return withFloatDigits(plan, await readPast(plan, request, at, null, now, NOT_DEGRADED));
    // Before the tiles are fetched: they have at least what these answers say.
    const views = plan.views.map(({ served }) => answerOf(served, served.completeThrough(now)));
    const fetched = plan.stored ? await fetchTiles(plan, request, at) : null;
    const fromTiles = readPresent(plan, request, at, now, views, fetched);
    if (fromTiles !== null) return withFloatDigits(plan, fromTiles);
    // A read that gives `at` is usually a past read and needs raw events: that is not degraded.
    const modes =
      request.at === undefined ? fetchedModes(fetched) | enginesModes(plan) | FOLDED : NOT_DEGRADED;
    return withFloatDigits(plan, await readPast(plan, request, at, null, now, modes));
  };
};
