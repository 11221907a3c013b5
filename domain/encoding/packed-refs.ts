/**
 * References in packed tiles. A reference with a form in doubles (`RefField.doubles`) is kept and
 * read in that form; the others stay plain data, as JSON in the block's tail. The plan alone
 * decides which is which.
 */
import type { RefField } from '#domain/aggregations/aggregation.ts';
import type { HopGroup } from '#domain/plan/plan.ts';

export interface PackedRefs {
  /** doubles of one tile */
  readonly width: number;
  /** for each reference slot, the index of its doubles in a tile; −1: plain data */
  readonly at: Int32Array;
  readonly fields: readonly RefField[];
  /** by first slot of a partial: one past its last slot */
  readonly endOf: Int32Array;
  /**
   * Writes the references that are kept as doubles, and returns the others as plain data; empty if
   * there are none.
   */
  readonly pack: (refs: readonly unknown[], into: Float64Array, tile: number) => readonly unknown[];
}

const NONE: readonly unknown[] = [];
const known = new WeakMap<HopGroup, PackedRefs>();

const compile = (hop: HopGroup): PackedRefs => {
  const fields = hop.partials.flatMap(({ partial }) => partial.refs);
  const at = new Int32Array(fields.length);
  let width = 0;
  fields.forEach(({ doubles }, i) => {
    at[i] = doubles === undefined ? -1 : width;
    width += doubles?.width ?? 0;
  });
  const endOf = new Int32Array(fields.length + 1);
  for (const { partial, r } of hop.partials)
    if (partial.refs.length > 0) endOf[r] = r + partial.refs.length;
  const allInDoubles = fields.every(({ doubles }) => doubles !== undefined);
  return {
    width,
    at,
    fields,
    endOf,
    pack(refs, into, tile) {
      const base = tile * width;
      for (let i = 0; i < fields.length; i++) {
        const { doubles } = fields[i] as RefField;
        if (doubles !== undefined) doubles.write(refs[i], into, base + (at[i] as number));
      }
      return allInDoubles ? NONE : refs.map((ref, i) => (at[i] === -1 ? ref : null));
    },
  };
};

export const packedRefs = (hop: HopGroup): PackedRefs => {
  const found = known.get(hop);
  if (found !== undefined) return found;
  const made = compile(hop);
  known.set(hop, made);
  return made;
};
