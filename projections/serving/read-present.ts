/**
 * Answers from tiles: nearly every online read, and a past read whose tiles suffice. Nothing is
 * awaited, and little is allocated.
 */
import type { ReadRequest, ReadResult, ViewAnswer } from '#domain/api/serving.ts';
import { keyOfEntity } from '#domain/plan/entity-key.ts';
import type { EntityKey, FeatureStatus } from '#domain/plan/plan.ts';
import { type Degraded, NOT_DEGRADED } from '#domain/ports/degraded.ts';
import type { FetchedTiles } from '#domain/ports/served-view.ts';
import type { Value } from '#domain/values/value.ts';
import { computeOnDemand, requestRow } from './on-demand-columns.ts';
import { newestOfRows, originsOf, withModes } from './read-answer.ts';
import type { ReadPlan, ViewRead } from './read-plan.ts';
import { viewModes } from './view-modes.ts';

export const fetchedModes = (fetched: readonly (FetchedTiles | null)[] | null): Degraded =>
  fetched === null
    ? NOT_DEGRADED
    : fetched.reduce((set, tiles) => set | (tiles?.degraded ?? NOT_DEGRADED), NOT_DEGRADED);

type ReadPresent = (
  plan: ReadPlan,
  request: ReadRequest,
  at: number,
  known: number,
  views: readonly ViewAnswer[],
  /** [view]: the tiles that a store gave; null: they are in this process */
  fetched: readonly (FetchedTiles | null)[] | null,
) => ReadResult | null;

/** @returns null where the tiles of some row do not suffice */
export const createReadPresent = (sharedModes: () => Degraded): ReadPresent => {
  return (
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
    let modes = fetchedModes(fetched) | sharedModes();
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
};
