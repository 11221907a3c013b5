/**
 * The logged rows that are compared: whole requests, about `limit` rows at most, and the same ones
 * in every report.
 */

import type { FeatureLogRow } from '#domain/feature-log/feature-log-record.ts';
import { placeOf } from '#domain/feature-log/sampled.ts';

import { turns } from '../turns.ts';

interface ChosenRows {
  readonly rows: readonly FeatureLogRow[];
  readonly logged: { readonly requests: number; readonly rows: number };
}

export const requestsOf = (rows: readonly FeatureLogRow[]): number =>
  rows.filter(({ row }) => row === 0).length;

export const chooseRows = async (
  logged: AsyncIterable<readonly FeatureLogRow[]>,
  within: (row: FeatureLogRow) => boolean,
  most: number,
): Promise<ChosenRows> => {
  let kept: { readonly row: FeatureLogRow; readonly place: number }[] = [];
  /** requests from this place on are left out */
  let limit = Number.POSITIVE_INFINITY;
  const counted = { requests: 0, rows: 0 };
  const cut = (): void => {
    if (kept.length <= most) return;
    kept.sort((a, b) => a.place - b.place);
    limit = kept[most]?.place ?? limit;
    // A request that does not fit whole is left out, unless it is the only one.
    const whole = kept.filter(({ place }) => place < limit);
    kept = whole.length > 0 ? whole : kept.filter(({ place }) => place === limit);
  };
  const turn = turns();
  for await (const batch of logged) {
    for (const row of batch) {
      await turn();
      if (!within(row)) continue;
      counted.rows++;
      if (row.row === 0) counted.requests++;
      const place = placeOf(row.requestId);
      if (place < limit) kept.push({ row, place });
    }
    if (kept.length > 2 * most) cut();
  }
  cut();
  return { rows: kept.map(({ row }) => row), logged: counted };
};
