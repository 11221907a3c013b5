/**
 * One window of a view, over a time that only moves forward: the value at T takes two merges,
 * however many tiles the window spans.
 *
 * A tile store reads a window by merging its tiles, some thirty for each feature; a million rows of
 * ten features are 300 million merges. But the rows of a training set are ordered by time, so a
 * window only slides, and a queue of two stacks keeps its merges (which takes no inverse):
 *
 *     front (suffix merges)             back (tiles)        total
 *     [t3‥t6] [t4‥t6] [t5‥t6] [t6]      t7  t8  t9          t7‥t9
 *        ▲ oldest: leaves first                  ▲ newest: grows
 *
 *   add      into the newest tile and into total
 *   slide    suffixes whose tile is out of reach are popped. Where front is empty and back's oldest
 *            tile is out of reach, back is turned into suffixes, newest to oldest: each tile is
 *            merged once in its life
 *   read     oldest suffix + total
 *
 * An event that is late for its tile is added to back's tile and total, or to every suffix that
 * covers its tile. Without the total, a read would walk over back; without the suffixes, sliding
 * would need partials that can be subtracted, and min, max and sketches cannot. A window of all
 * time (hop 0) is its total alone.
 */
import type { Finalized, Order, Slots } from '#domain/aggregations/aggregation.ts';
import type { PlannedFeature } from '#domain/plan/plan.ts';
import type { Value } from '#domain/values/value.ts';
import { compilePartials, type WindowPartial } from './window-partials.ts';

export interface WindowFeature {
  readonly feature: PlannedFeature;
  readonly put: (row: number, value: Finalized) => void;
}

export interface WindowPlan {
  readonly hopMs: number;
  readonly windowMs: number | null;
  readonly partials: readonly WindowPartial[];
  /** `states`: indices into `partials` of those that the feature is finalized from */
  readonly features: readonly (WindowFeature & { readonly states: readonly number[] })[];
}

const NO_SLOT = -1;
const FIRST_SLOTS = 256;

export class SlidingWindow {
  private readonly plan: WindowPlan;
  private readonly ops: ReturnType<typeof compilePartials>;
  private readonly width: number;
  private readonly refWidth: number;
  private nums: Float64Array;
  private readonly refs: unknown[] = [];
  private tileNo: Float64Array;
  private free: number[] = [];
  private used = 0;
  /**
   * by entity: slots; front's last is its oldest, back's last is its newest; absent where the
   * entity has no event
   */
  private readonly front: (number[] | undefined)[];
  private readonly back: (number[] | undefined)[];
  private readonly total: Int32Array;
  /** empty lists of slots */
  private readonly spare: number[][] = [];
  private readonly into: Slots;
  private readonly from: Slots;
  private readonly sum: Slots;
  private readonly states: readonly (readonly Slots[])[];

  constructor(plan: WindowPlan, entities: number) {
    this.plan = plan;
    this.ops = compilePartials(plan.partials);
    this.width = this.ops.nums;
    this.refWidth = this.ops.refs;
    this.nums = new Float64Array(FIRST_SLOTS * this.width);
    this.tileNo = new Float64Array(FIRST_SLOTS);
    this.front = new Array<undefined>(entities).fill(undefined);
    this.back = new Array<undefined>(entities).fill(undefined);
    this.total = new Int32Array(entities).fill(NO_SLOT);
    this.into = { nums: this.nums, n: 0, refs: this.refs, r: 0 };
    this.from = { nums: this.nums, n: 0, refs: this.refs, r: 0 };
    this.sum = {
      nums: new Float64Array(this.width),
      n: 0,
      refs: new Array(this.refWidth).fill(null),
      r: 0,
    };
    this.states = plan.features.map(({ states }) =>
      states.map((p) => ({
        nums: this.sum.nums,
        n: this.ops.offsets[p]?.n ?? 0,
        refs: this.sum.refs,
        r: this.ops.offsets[p]?.r ?? 0,
      })),
    );
  }

  /** Slots in use, which determine the memory. */
  get size(): number {
    return this.used - this.free.length;
  }

  private lowest(at: number): number {
    const { hopMs, windowMs } = this.plan;
    return windowMs === null || hopMs === 0
      ? Number.NEGATIVE_INFINITY
      : Math.floor((at - windowMs) / hopMs);
  }

  private point(slots: Slots, slot: number): Slots {
    slots.nums = this.nums;
    slots.n = slot * this.width;
    slots.r = slot * this.refWidth;
    return slots;
  }

  private allocate(tileNo: number): number {
    const slot = this.free.pop() ?? this.used++;
    if (slot >= this.tileNo.length) {
      const numbers = new Float64Array(this.tileNo.length * 2);
      numbers.set(this.tileNo);
      this.tileNo = numbers;
      const larger = new Float64Array(numbers.length * this.width);
      larger.set(this.nums);
      this.nums = larger;
    }
    this.tileNo[slot] = tileNo;
    this.ops.identity(this.point(this.into, slot));
    return slot;
  }

  private release(slot: number): void {
    for (let i = 0; i < this.refWidth; i++) this.refs[slot * this.refWidth + i] = null;
    this.free.push(slot);
  }

  private number(slot: number | undefined): number {
    return this.tileNo[slot as number] as number;
  }

  private addTo(slot: number, results: readonly Value[], order: Order): void {
    this.ops.add(this.point(this.into, slot), results, order);
  }

  /** @param now no later read is before this time */
  add(entity: number, now: number, order: Order, results: readonly Value[]): void {
    let total = this.total[entity] as number;
    if (total === NO_SLOT) {
      total = this.allocate(0);
      this.total[entity] = total;
      this.front[entity] = this.spare.pop() ?? [];
      this.back[entity] = this.spare.pop() ?? [];
    }
    const { hopMs } = this.plan;
    if (hopMs === 0) {
      this.addTo(total, results, order);
      return;
    }
    const lowest = this.lowest(now);
    const no = Math.floor(order.eventTime / hopMs);
    if (no < lowest) return;
    const back = this.back[entity] as number[];
    const slot =
      back.length > 0 && this.number(back[back.length - 1]) === no
        ? (back[back.length - 1] as number)
        : this.place(entity, no, lowest, results, order);
    if (slot === NO_SLOT) return;
    this.addTo(slot, results, order);
    this.addTo(total, results, order);
  }

  /**
   * The slot of a tile in back, allocated where there is none. NO_SLOT where the event belongs in
   * front: then it has been added there.
   */
  private place(
    entity: number,
    no: number,
    lowest: number,
    results: readonly Value[],
    order: Order,
  ): number {
    this.slide(entity, lowest);
    const front = this.front[entity] as number[];
    const back = this.back[entity] as number[];
    const oldestOfBack = back.length > 0 ? this.number(back[0]) : Number.POSITIVE_INFINITY;
    if (no < oldestOfBack && front.length > 0 && no < this.number(front[0])) {
      this.addToFront(front, no, results, order);
      return NO_SLOT;
    }
    let at = back.length;
    while (at > 0 && this.number(back[at - 1]) > no) at--;
    if (at > 0 && this.number(back[at - 1]) === no) return back[at - 1] as number;
    const slot = this.allocate(no);
    if (at === back.length) back.push(slot);
    else back.splice(at, 0, slot);
    return slot;
  }

  private addToFront(front: number[], no: number, results: readonly Value[], order: Order): void {
    let i = front.length;
    while (i > 0 && this.number(front[i - 1]) <= no) i--;
    if (i === front.length || this.number(front[i]) !== no) {
      const slot = this.allocate(no);
      this.ops.merge(this.point(this.into, slot), this.point(this.from, front[i - 1] as number));
      front.splice(i, 0, slot);
    }
    for (let j = i; j < front.length; j++) this.addTo(front[j] as number, results, order);
  }

  private slide(entity: number, lowest: number): void {
    const front = this.front[entity] as number[];
    while (front.length > 0 && this.number(front[front.length - 1]) < lowest)
      this.release(front.pop() as number);
    const back = this.back[entity] as number[];
    if (front.length > 0 || back.length === 0 || this.number(back[0]) >= lowest) return;
    for (let i = back.length - 1; i >= 0; i--) {
      const slot = back[i] as number;
      if (this.number(slot) < lowest) this.release(slot);
      else {
        if (front.length > 0)
          this.ops.merge(
            this.point(this.into, slot),
            this.point(this.from, front[front.length - 1] as number),
          );
        front.push(slot);
      }
    }
    back.length = 0;
    this.ops.identity(this.point(this.into, this.total[entity] as number));
  }

  /** Gives back what the entity has. */
  forget(entity: number): void {
    const total = this.total[entity] as number;
    if (total === NO_SLOT) return;
    this.release(total);
    this.total[entity] = NO_SLOT;
    for (const lists of [this.front, this.back]) {
      const slots = lists[entity] as number[];
      while (slots.length > 0) this.release(slots.pop() as number);
      this.spare.push(slots);
      lists[entity] = undefined;
    }
  }

  /** Puts the values of the window's features at `at` into their columns. */
  read(entity: number, at: number, row: number): void {
    const total = this.total[entity] as number;
    const { sum } = this;
    if (total === NO_SLOT) this.ops.identity(sum);
    else {
      this.slide(entity, this.lowest(at));
      const front = this.front[entity] as number[];
      if (this.refWidth > 0) {
        this.ops.identity(sum);
        this.ops.merge(sum, this.point(this.from, total));
      } else {
        const start = total * this.width;
        for (let i = 0; i < this.width; i++) sum.nums[i] = this.nums[start + i] as number;
      }
      if (front.length > 0)
        this.ops.merge(sum, this.point(this.from, front[front.length - 1] as number));
    }
    const { features } = this.plan;
    for (let f = 0; f < features.length; f++) {
      const { feature, put } = features[f] as (typeof features)[number];
      put(row, feature.aggregation.finalize(this.states[f] as readonly Slots[]));
    }
  }
}
