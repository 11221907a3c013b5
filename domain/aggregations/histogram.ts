/** histogram(x, edges): how many values fall into (−∞, e0), [e0, e1), …, [ek, ∞). */
import { fail } from '#domain/errors.ts';
import type { Aggregation, Partial, Slots } from './aggregation.ts';
import { numericInput } from './parameters.ts';

const MAX_EDGES = 1000;

const edgesOf = (given: unknown): readonly number[] => {
  const edges = Array.isArray(given) ? (given as unknown[]) : [];
  const ascending = edges.every(
    (edge, i) =>
      typeof edge === 'number' &&
      Number.isFinite(edge) &&
      (i === 0 || edge > (edges[i - 1] as number)),
  );
  if (edges.length > 0 && edges.length <= MAX_EDGES && ascending) return edges as number[];
  return fail(
    'MR_DEFINITION_INVALID',
    `histogram's edges are ${JSON.stringify(given ?? null)}; give 1 to ${MAX_EDGES} numbers, each greater than the one before`,
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
  return {
    id: `histogram${JSON.stringify(edges)}`,
    nums: Array.from({ length: buckets }, (_, i) => ({ name: `b${i}`, avro: 'long' })),
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
    flink: ({ value, condition }) => ({
      aggregates: Array.from({ length: buckets }, (_, i) => {
        const x = `CAST(${value} AS DOUBLE)`;
        const tests = [
          ...(condition === null ? [] : [condition]),
          ...(i === 0 ? [] : [`${x} >= CAST('${edges[i - 1]}' AS DOUBLE)`]),
          ...(i === edges.length ? [] : [`${x} < CAST('${edges[i]}' AS DOUBLE)`]),
        ];
        return `COUNT(*) FILTER (WHERE ${tests.join(' AND ')})`;
      }),
      slots: (counts) => counts,
    }),
    flinkMerge: (slots, filter) => ({
      aggregates: slots.map((bucket) => `SUM(${bucket})${filter}`),
      slots: (counts) => counts.map((n) => `COALESCE(${n}, CAST(0 AS BIGINT))`),
    }),
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
    'Counts of values by bucket, from below the first edge to past the last; null over nothing.',
  input: 'required',
  bind(input, params) {
    numericInput('histogram', input);
    const edges = edgesOf(params.edges);
    return {
      type: { base: 'long', array: true, nullable: true },
      partials: [histogramPartial(edges)],
      finalize([s]) {
        const { nums, n } = s as Slots;
        const counts = Array.from(nums.subarray(n, n + edges.length + 1));
        return counts.every((c) => c === 0) ? null : counts;
      },
      flinkValue: ([counts]) =>
        `CASE WHEN ${counts?.map((n) => `${n} > 0`).join(' OR ')} THEN ARRAY[${counts?.join(', ')}] END`,
    };
  },
};
