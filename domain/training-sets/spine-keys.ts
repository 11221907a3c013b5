/**
 * Entity keys of a spine, each distinct one encoded once: `keys[ids[row]]`. The id is −1 where a
 * key column is null: such a row has no entity.
 */

import { encodeKey } from '#domain/plan/entity-key.ts';
import type { Scalar } from '#domain/values/value.ts';

/** `values[codes[row]]`; −1 is null. */
export interface CodedValues {
  readonly codes: Int32Array;
  readonly values: readonly Scalar[];
}

export interface SpineKeys {
  readonly ids: Int32Array;
  readonly keys: readonly string[];
}

/** @param columns the key columns, in the order of the plan's keys */
export const spineKeys = (columns: readonly CodedValues[]): SpineKeys => {
  const [first, ...rest] = columns as readonly [CodedValues, ...CodedValues[]];
  let ids = first.codes;
  let tuples: (readonly Scalar[])[] = first.values.map((value) => [value]);
  for (const { codes, values } of rest) {
    const next = new Int32Array(ids.length).fill(-1);
    const combined: (readonly Scalar[])[] = [];
    const idOfPair = new Map<number, number>();
    for (let row = 0; row < ids.length; row++) {
      const left = ids[row] as number;
      const right = codes[row] as number;
      if (left < 0 || right < 0) continue;
      const pair = left * values.length + right;
      let id = idOfPair.get(pair);
      if (id === undefined) {
        id = combined.push([...(tuples[left] as readonly Scalar[]), values[right] as Scalar]) - 1;
        idOfPair.set(pair, id);
      }
      next[row] = id;
    }
    ids = next;
    tuples = combined;
  }
  return { ids, keys: tuples.map(encodeKey) };
};
