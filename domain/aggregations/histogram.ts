/** histogram(x, edges): the number of values in (−∞, e0), [e0, e1), …, [ek, ∞). */
import { fail } from '#domain/errors.ts';
import type { Aggregation, NumberParameter, Partial, Slots } from './aggregation.ts';
import type { PlainSlot } from './forms.ts';
import { numericInput } from './parameters.ts';

const EDGES: NumberParameter = {
  name: 'edges',
  says: 'the edges of the buckets, in strictly ascending order',
  kind: 'ascending numbers',
  least: 1,
  most: 1000,
  fallback: null,
};

const edgesOf = (given: unknown): readonly number[] => {
  const edges = Array.isArray(given) ? (given as unknown[]) : [];
  const ascending = edges.every(
    (edge, i) =>
      typeof edge === 'number' &&
      Number.isFinite(edge) &&
      (i === 0 || edge > (edges[i - 1] as number)),
  );
  if (edges.length > 0 && edges.length <= EDGES.most && ascending) return edges as number[];
  return fail(
    'MR_DEFINITION_INVALID',
    `histogram's edges are ${JSON.stringify(given ?? null)}; give 1 to ${EDGES.most} numbers in strictly ascending order`,
  );
};

const bucketOf = (edges: readonly number[], value: number): number => {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (value < (edges[middle] as number)) high = middle;
    else low = middle + 1;
  }
  return low;
};

const histogramPartial = (edges: readonly number[]): Partial => {
  const buckets = edges.length + 1;
  const range = (i: number): PlainSlot => ({
    lift: { count: 'range', from: edges[i - 1] ?? null, below: edges[i] ?? null },
    combine: 'sum',
    empty: 0,
  });
  return {
    id: `histogram${JSON.stringify(edges)}`,
    form: { kind: 'plain', slots: Array.from({ length: buckets }, (_, i) => range(i)) },
    nums: Array.from({ length: buckets }, (_, i) => ({ name: `b${i}`, type: 'long' })),
    refs: [],
    identity(s) {
      s.nums.fill(0, s.n, s.n + buckets);
    },
    add(s, value) {
      const at = s.n + bucketOf(edges, value as number);
      s.nums[at] = (s.nums[at] as number) + 1;
    },
    merge(into, from) {
      for (let i = 0; i < buckets; i++)
        into.nums[into.n + i] =
          (into.nums[into.n + i] as number) + (from.nums[from.n + i] as number);
    },
    mergeRun(into, { nums, width, slots, from, to }, n) {
      for (let tile = from; tile < to; tile++) {
        const at = (slots[tile] as number) * width + n;
        for (let i = 0; i < buckets; i++)
          into.nums[into.n + i] = (into.nums[into.n + i] as number) + (nums[at + i] as number);
      }
    },
  };
};

export const histogram: Aggregation = {
  name: 'histogram',
  summary:
    'The number of values in each bucket, from below the first edge to the last edge and above; null over nothing.',
  error: null,
  parameters: [EDGES],
  input: 'required',
  bind(input, params) {
    numericInput('histogram', input);
    const edges = edgesOf(params.edges);
    return {
      type: { base: 'long', array: true, nullable: true },
      form: { aggregation: 'histogram' },
      partials: [histogramPartial(edges)],
      finalize([s]) {
        const { nums, n } = s as Slots;
        const counts = Array.from(nums.subarray(n, n + edges.length + 1));
        return counts.every((c) => c === 0) ? null : counts;
      },
    };
  },
};
