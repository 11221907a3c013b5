/**
 * The tiles of one hop of a view, packed. Each tile is a slot: its floats are adjacent in one
 * Float64Array, its references in one array, and its number, newest event time and cause in arrays
 * of their own. Freed slots are reused. Each entity has a short list of its slots, oldest first, so
 * that a late event finds its tile by binary search. The two ends of that list are also in a
 * separate array, which is all that an event in order and the eviction check need.
 */
import type { Slots } from '#domain/aggregations/aggregation.ts';
import type { HopGroup, PlannedPartial } from '#domain/plan/plan.ts';

export interface EntityTiles {
  /** slots, oldest tile first, from `head` on */
  slots: number[];
  head: number;
}

const FIRST_CAPACITY = 256;
const grow = <T extends Float64Array | Uint8Array | Int32Array>(array: T, length: number): T => {
  const larger = new (array.constructor as new (n: number) => T)(length);
  larger.set(array as never);
  return larger;
};

export class TileGroup {
  readonly hop: HopGroup;
  /**
   * Whether each entity's newest tile is kept even if no window reaches it. That tile records that
   * the entity exists, and its newest event time.
   */
  readonly keepsNewest: boolean;
  nums: Float64Array;
  refs: unknown[] = [];
  tileNo = new Float64Array(FIRST_CAPACITY);
  newest = new Float64Array(FIRST_CAPACITY);
  entity = new Int32Array(FIRST_CAPACITY);
  causePartition = new Int32Array(FIRST_CAPACITY);
  causeOffset = new Float64Array(FIRST_CAPACITY);
  private isChanged = new Uint8Array(FIRST_CAPACITY);
  /** slots changed since `clearChanged` */
  changed: number[] = [];
  /** by entity index */
  readonly lists: (EntityTiles | undefined)[] = [];
  /**
   * four numbers for each entity: its newest tile, that tile's slot, its oldest tile, and one for
   * alignment; NaN and ∞ for an entity without tiles
   */
  private ends = new Float64Array(FIRST_CAPACITY * 4).fill(Number.NaN);
  /**
   * the floats of a tile without events, and the partials whose references must be created for each
   * tile
   */
  private readonly empty: Float64Array;
  private readonly withRefs: readonly PlannedPartial[];
  private free: number[] = [];
  private used = 0;
  /** the one Slots object that is passed to the partials */
  private readonly cursor: Slots;

  constructor(hop: HopGroup, keepsNewest = false) {
    this.hop = hop;
    this.keepsNewest = keepsNewest;
    this.nums = new Float64Array(FIRST_CAPACITY * hop.nums);
    this.cursor = { nums: this.nums, n: 0, refs: this.refs, r: 0 };
    this.empty = new Float64Array(hop.nums);
    const tile: Slots = { nums: this.empty, n: 0, refs: new Array(hop.refs).fill(null), r: 0 };
    for (const { partial, n, r } of hop.partials) partial.identity({ ...tile, n, r });
    this.withRefs = hop.partials.filter(({ partial }) => partial.refs.length > 0);
  }

  get tiles(): number {
    return this.used - this.free.length;
  }

  numberOf(eventTime: number): number {
    return this.hop.hopMs === 0 ? 0 : Math.floor(eventTime / this.hop.hopMs);
  }

  /** The number of the first tile that some window ending at `at` reaches; −∞ for all. */
  lowestKept(at: number): number {
    const { hopMs, reachMs } = this.hop;
    return hopMs === 0 || reachMs === Number.POSITIVE_INFINITY
      ? Number.NEGATIVE_INFINITY
      : Math.floor((at - reachMs) / hopMs);
  }

  /** A partial's slots in a tile; valid until the next call. */
  at(slot: number, n: number, r: number): Slots {
    const { cursor, hop } = this;
    cursor.nums = this.nums;
    cursor.n = slot * hop.nums + n;
    cursor.refs = this.refs;
    cursor.r = slot * hop.refs + r;
    return cursor;
  }

  private allocate(entity: number, tileNo: number): number {
    const reused = this.free.pop();
    const slot = reused ?? this.used++;
    if (slot >= this.tileNo.length) {
      const capacity = this.tileNo.length * 2;
      this.nums = grow(this.nums, capacity * this.hop.nums);
      this.tileNo = grow(this.tileNo, capacity);
      this.newest = grow(this.newest, capacity);
      this.entity = grow(this.entity, capacity);
      this.causePartition = grow(this.causePartition, capacity);
      this.causeOffset = grow(this.causeOffset, capacity);
      this.isChanged = grow(this.isChanged, capacity);
    }
    this.tileNo[slot] = tileNo;
    this.newest[slot] = Number.NEGATIVE_INFINITY;
    this.entity[slot] = entity;
    const { nums, empty, withRefs } = this;
    const base = slot * empty.length;
    for (let i = 0; i < empty.length; i++) nums[base + i] = empty[i] as number;
    for (let i = 0; i < withRefs.length; i++) {
      const { partial, n, r } = withRefs[i] as PlannedPartial;
      partial.identity(this.at(slot, n, r));
    }
    return slot;
  }

  /** The slot of a tile, allocated if the tile does not exist. */
  slotFor(entity: number, tileNo: number): number {
    const { ends } = this;
    const e = entity * 4;
    const newest = ends[e] as number;
    if (newest === tileNo) return ends[e + 1] as number;
    if (tileNo > newest) {
      const slot = this.allocate(entity, tileNo);
      (this.lists[entity] as EntityTiles).slots.push(slot);
      ends[e] = tileNo;
      ends[e + 1] = slot;
      return slot;
    }
    const slot = this.placeOf(entity, tileNo);
    this.noteEnds(entity);
    return slot;
  }

  private noteEnds(entity: number): void {
    const e = entity * 4;
    if (e >= this.ends.length) {
      const had = this.ends.length;
      this.ends = grow(this.ends, Math.max(had * 2, e + 4));
      this.ends.fill(Number.NaN, had);
    }
    const { ends, tileNo } = this;
    const list = this.lists[entity];
    const newest = list?.slots.at(-1);
    if (list === undefined || newest === undefined || list.head === list.slots.length) {
      ends[e] = Number.NaN;
      ends[e + 2] = Number.POSITIVE_INFINITY;
      return;
    }
    ends[e] = tileNo[newest] as number;
    ends[e + 1] = newest;
    ends[e + 2] = tileNo[list.slots[list.head] as number] as number;
  }

  private placeOf(entity: number, tileNo: number): number {
    const list = this.lists[entity];
    if (list === undefined) {
      // A list that begins empty would have room for 17 slots after its first.
      const slot = this.allocate(entity, tileNo);
      this.lists[entity] = { slots: [slot], head: 0 };
      return slot;
    }
    const { slots } = list;
    let at = slots.length;
    while (at > list.head) {
      const slot = slots[at - 1] as number;
      const no = this.tileNo[slot] as number;
      if (no === tileNo) return slot;
      if (no < tileNo) break;
      // Far behind the newest tile: search instead of stepping.
      if (slots.length - at >= 4) return this.search(entity, list, tileNo);
      at--;
    }
    const slot = this.allocate(entity, tileNo);
    if (at === slots.length) slots.push(slot);
    else slots.splice(at, 0, slot);
    return slot;
  }

  private search(entity: number, list: EntityTiles, tileNo: number): number {
    let low = list.head;
    let high = list.slots.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.tileNo[list.slots[middle] as number] as number) < tileNo) low = middle + 1;
      else high = middle;
    }
    const found = list.slots[low];
    if (found !== undefined && this.tileNo[found] === tileNo) return found;
    const slot = this.allocate(entity, tileNo);
    list.slots.splice(low, 0, slot);
    return slot;
  }

  markChanged(slot: number, partition: number, offset: number): void {
    this.causePartition[slot] = partition;
    this.causeOffset[slot] = offset;
    if (this.isChanged[slot] === 1) return;
    this.isChanged[slot] = 1;
    this.changed.push(slot);
  }

  clearChanged(): void {
    for (const slot of this.changed) this.isChanged[slot] = 0;
    this.changed.length = 0;
  }

  /**
   * Frees the entity's tiles below a tile number. Changed tiles stay until they are written out.
   */
  evict(entity: number, below: number): void {
    if (!((this.ends[entity * 4 + 2] as number) < below)) return;
    const list = this.lists[entity];
    if (list === undefined) return;
    const { slots } = list;
    const end = this.keepsNewest ? slots.length - 1 : slots.length;
    let head = list.head;
    while (head < end) {
      const slot = slots[head] as number;
      if ((this.tileNo[slot] as number) >= below || this.isChanged[slot] === 1) break;
      head++;
      this.release(slot);
    }
    list.head = head;
    if (head === slots.length) this.noteEnds(entity);
    else this.ends[entity * 4 + 2] = this.tileNo[slots[head] as number] as number;
    if (list.head > 32 && list.head * 2 > slots.length) {
      slots.splice(0, list.head);
      list.head = 0;
    }
  }

  private release(slot: number): void {
    const { refs } = this.hop;
    for (let i = 0; i < refs; i++) this.refs[slot * refs + i] = null;
    this.free.push(slot);
  }

  /** Removes a tile at any position. */
  remove(entity: number, tileNo: number): void {
    const list = this.lists[entity];
    const at =
      list?.slots.findIndex((slot, i) => i >= list.head && this.tileNo[slot] === tileNo) ?? -1;
    if (list === undefined || at < 0) return;
    const [slot] = list.slots.splice(at, 1) as [number];
    this.changed = this.changed.filter((s) => s !== slot);
    this.isChanged[slot] = 0;
    this.release(slot);
    this.noteEnds(entity);
  }

  /** Frees an entity's tiles, none of which is changed; the last entity gets its index. */
  removeEntity(entity: number, last: number): void {
    const { lists, ends } = this;
    const gone = lists[entity];
    if (gone !== undefined)
      for (let i = gone.head; i < gone.slots.length; i++) this.release(gone.slots[i] as number);
    ends.fill(Number.NaN, entity * 4, entity * 4 + 4);
    const moved = entity === last ? undefined : lists[last];
    if (entity < lists.length) lists[entity] = moved;
    if (moved !== undefined) {
      lists[entity] = moved;
      ends.copyWithin(entity * 4, last * 4, last * 4 + 4);
      for (let i = moved.head; i < moved.slots.length; i++)
        this.entity[moved.slots[i] as number] = entity;
    }
    ends.fill(Number.NaN, last * 4, last * 4 + 4);
    if (lists.length > last) lists.length = last;
  }

  /** Every kept slot, entity by entity, oldest tile first. */
  *all(): Generator<number> {
    for (const list of this.lists) {
      if (list === undefined) continue;
      for (let i = list.head; i < list.slots.length; i++) yield list.slots[i] as number;
    }
  }
}
