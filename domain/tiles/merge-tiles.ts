/**
 * Merges an entity's tiles into its features' values.
 *
 * The windows over one hop all end at the same time and differ only in length, so one pass from the
 * newest tile to the oldest serves all of them. Each partial has one accumulator, into which runs
 * of tiles are merged. Where the pass reaches the start of a window, the features of that window
 * are finalized from the accumulators. From there on, partials that no wider window needs are
 * skipped.
 */
import {
  type Finalized,
  OVERFLOW,
  type Partial,
  type Slots,
  type TileRun,
} from '#domain/aggregations/aggregation.ts';
import { newSlots } from '#domain/aggregations/slots.ts';
import type { FeatureStatus, HopGroup, PlannedFeature } from '#domain/plan/plan.ts';
import type { Value } from '#domain/values/value.ts';
import type { EntityTiles } from './tile-group.ts';

const NO_SLOTS: readonly number[] = [];

interface Step {
  readonly windowMs: number | null;
  /** partials that this window or a wider one needs */
  readonly partials: readonly number[];
  readonly features: readonly {
    readonly index: number;
    readonly feature: PlannedFeature;
    readonly states: readonly Slots[];
  }[];
}

/**
 * The tiles of one hop, of all entities (TileGroup) or of one (PackedEntity).
 */
export interface ReadableTiles {
  readonly nums: Float64Array;
  readonly tileNo: Float64Array;
  /** by entity index: its slots, oldest tile first */
  readonly lists: readonly (EntityTiles | undefined)[];
  /** a partial's slots in a tile; valid until the next call */
  readonly at: (slot: number, n: number, r: number) => Slots;
}

export interface GroupReader {
  /** Writes the values and statuses of this hop's features at their indices in the plan. */
  readonly read: (
    group: ReadableTiles,
    entity: number,
    at: number,
    out: Value[],
    status: FeatureStatus[],
  ) => void;
}

export const compileGroupReader = (
  hop: HopGroup,
  hopIndex: number,
  features: readonly PlannedFeature[],
): GroupReader => {
  const accumulators: Slots[] = hop.partials.map(({ partial }) =>
    newSlots(partial.nums.length, partial.refs.length),
  );
  const partials: Partial[] = hop.partials.map((p) => p.partial);
  const offsets = hop.partials.map(({ n, r }) => ({ n, r }));
  /**
   * One tile of all time needs no merging: a feature of one partial is finalized from its state.
   */
  const single =
    hop.hopMs === 0 && features.every((f) => f.hop !== hopIndex || f.partials.length === 1);
  const state: Slots[] = [newSlots(0, 0)];
  const mine = features.flatMap((feature, index) =>
    feature.hop === hopIndex
      ? [{ index, feature, states: feature.partials.map((p) => accumulators[p] as Slots) }]
      : [],
  );
  const windows = [...new Set(mine.map(({ feature }) => feature.windowMs))].sort(
    (a, b) => (a ?? Infinity) - (b ?? Infinity),
  );
  const steps: Step[] = windows.map((windowMs, i) => {
    const wider = new Set(windows.slice(i));
    const needed = new Set(
      mine
        .filter(({ feature }) => wider.has(feature.windowMs))
        .flatMap(({ feature }) => feature.partials),
    );
    return {
      windowMs,
      partials: [...needed].sort((a, b) => a - b),
      features: mine.filter(({ feature }) => feature.windowMs === windowMs),
    };
  });

  const mergeRun = (p: number, group: ReadableTiles, run: TileRun): void => {
    const partial = partials[p] as Partial;
    const { n, r } = offsets[p] as { n: number; r: number };
    const into = accumulators[p] as Slots;
    if (partial.mergeRun !== undefined) return partial.mergeRun(into, run, n);
    for (let i = run.from; i < run.to; i++)
      partial.merge(into, group.at(run.slots[i] as number, n, r));
  };

  const write = (index: number, value: Finalized, out: Value[], status: FeatureStatus[]): void => {
    if (value === OVERFLOW) {
      out[index] = null;
      status[index] = 'overflow';
    } else {
      out[index] = value;
      status[index] = value === null ? 'null' : 'present';
    }
  };
  const readSingle = (
    group: ReadableTiles,
    slot: number,
    out: Value[],
    status: FeatureStatus[],
  ): void => {
    for (let i = 0; i < mine.length; i++) {
      const { index, feature } = mine[i] as (typeof mine)[number];
      const { n, r } = offsets[feature.partials[0] as number] as { n: number; r: number };
      state[0] = group.at(slot, n, r);
      write(index, feature.aggregation.finalize(state), out, status);
    }
  };

  return {
    read(group, entity, at, out, status) {
      const tiles = single ? group.lists[entity] : undefined;
      if (tiles !== undefined && tiles.slots.length - tiles.head === 1)
        return readSingle(group, tiles.slots[tiles.head] as number, out, status);
      for (let p = 0; p < partials.length; p++)
        (partials[p] as Partial).identity(accumulators[p] as Slots);
      const list = group.lists[entity];
      const { hopMs } = hop;
      const slots = list === undefined ? NO_SLOTS : list.slots;
      const head = list === undefined ? 0 : list.head;
      const { tileNo } = group;
      const newestTile = hopMs === 0 ? 0 : Math.floor(at / hopMs);
      let to = slots.length;
      while (to > head && (tileNo[slots[to - 1] as number] as number) > newestTile) to--;
      for (let s = 0; s < steps.length; s++) {
        const step = steps[s] as Step;
        const lowest =
          step.windowMs === null || hopMs === 0
            ? Number.NEGATIVE_INFINITY
            : Math.floor((at - step.windowMs) / hopMs);
        let from = to;
        while (from > head && (tileNo[slots[from - 1] as number] as number) >= lowest) from--;
        if (from < to) {
          const run: TileRun = { nums: group.nums, width: hop.nums, slots, from, to };
          const needed = step.partials;
          for (let k = 0; k < needed.length; k++) mergeRun(needed[k] as number, group, run);
        }
        to = from;
        for (let f = 0; f < step.features.length; f++) {
          const { index, feature, states } = step.features[f] as Step['features'][number];
          write(index, feature.aggregation.finalize(states), out, status);
        }
      }
    },
  };
};
