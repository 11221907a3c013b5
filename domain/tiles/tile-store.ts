/**
 * The state of one generation of a view in memory: for every entity, each tile that a window still
 * reaches.
 *
 *   process   adds one raw event to its tile in each hop
 *   read      value(view, entity, at, now): tiles [⌊(at − W)/h⌋, ⌊at/h⌋] merged; the window's head
 *             is exact to the event, its tail to the hop
 *   changed   the tiles that changed since the last commit; `tile-codec.ts` encodes them
 *
 * `read` uses tiles only if they suffice: `at` is not before the watermark (older tiles may be
 * evicted) and not before the entity's newest event (a tile would count that event). In all other
 * cases it returns `needs-history`, and the caller folds raw events.
 *
 * `lateness.ts` defines the watermark and late events, which count in no tile. A tile that no
 * window reaches from the watermark changes no current value and is evicted. Each entity keeps its
 * newest tile of the widest hop: without it, the written updates would not show that the entity has
 * events, or when it expires.
 *
 * `stored-entities.ts` bounds the number of entities. A read of one that was dropped returns
 * `needs-history`.
 */
import type { FeatureStatus, HopGroup, ViewPlan } from '#domain/plan/plan.ts';
import type { Row, Value } from '#domain/values/value.ts';
import { existsInTiles } from './entity-exists.ts';
import { closingTime, type LateEvent, widestHopMs } from './lateness.ts';
import { compileGroupReader, type GroupReader } from './merge-tiles.ts';
import { DROPPED, StoredEntities, type StoreLimits } from './stored-entities.ts';
import { TileGroup } from './tile-group.ts';

export type ReadOutcome = 'ok' | 'needs-history';

const breadth = ({ hopMs }: HopGroup): number => (hopMs === 0 ? Number.POSITIVE_INFINITY : hopMs);

export class TileStore extends StoredEntities {
  readonly groups: readonly TileGroup[];
  /** True while a replay fills the store from the past: no event is late then. */
  takesLate = false;
  newestOfAll = Number.NEGATIVE_INFINITY;
  private readonly readers: readonly GroupReader[];
  private readonly overNothing: { readonly values: Value[]; readonly status: FeatureStatus[] };
  private readonly expressions: readonly ((row: Row) => Value)[];
  /**
   * by group, by partial: the index of its input expression and of its filter expression; −1 for
   * none
   */
  private readonly inputs: readonly Int32Array[];
  private readonly filters: readonly Int32Array[];
  private readonly results: Value[];
  private readonly widestHopMs: number;
  private late: LateEvent[] = [];
  private readonly order = { eventTime: 0, partition: 0, offset: 0 };

  constructor(plan: ViewPlan, limits: StoreLimits) {
    super(plan, limits);
    const widest = plan.hops.reduce<HopGroup | undefined>(
      (a, b) => (a !== undefined && breadth(a) >= breadth(b) ? a : b),
      undefined,
    );
    this.groups = plan.hops.map((hop) => new TileGroup(hop, hop === widest));
    this.readers = plan.hops.map((hop, i) => compileGroupReader(hop, i, plan.features));
    const expressions: ((row: Row) => Value)[] = [];
    const indexOf = (f: ((row: Row) => Value) | null): number => {
      if (f === null) return -1;
      const known = expressions.indexOf(f);
      return known >= 0 ? known : expressions.push(f) - 1;
    };
    this.inputs = plan.hops.map((hop) => Int32Array.from(hop.partials, (p) => indexOf(p.evaluate)));
    this.filters = plan.hops.map((hop) => Int32Array.from(hop.partials, (p) => indexOf(p.filter)));
    this.expressions = expressions;
    this.results = new Array(expressions.length).fill(null);
    this.widestHopMs = widestHopMs(plan);
    this.overNothing = this.valuesOverNothing();
  }

  private valuesOverNothing(): { values: Value[]; status: FeatureStatus[] } {
    const values: Value[] = [];
    const status: FeatureStatus[] = [];
    this.groups.forEach((group, i) => {
      (this.readers[i] as GroupReader).read(group, -1, 0, values, status);
    });
    return { values, status: status.map(() => 'not-found') };
  }

  get tiles(): number {
    return this.groups.reduce((sum, group) => sum + group.tiles, 0);
  }

  /**
   * Adds one event; times are epoch ms.
   * @returns whether the view counts it
   */
  process(
    row: Row,
    eventTime: number,
    partition: number,
    offset: number,
    logTime: number,
  ): boolean {
    const { plan } = this;
    if (plan.filter !== null && plan.filter(row) !== true) return false;
    if (
      plan.latenessMs !== null &&
      !this.takesLate &&
      this.isLate(row, eventTime, partition, offset)
    )
      return false;
    const entity = this.internRow(row, eventTime);
    if (entity < 0) return entity === DROPPED;
    this.watchers.entity(entity);
    this.touch(entity);
    const time = eventTime < logTime ? eventTime : logTime;
    if (time > this.watermark) this.watermark = time;
    if (eventTime > (this.newest[entity] as number)) this.newest[entity] = eventTime;
    if (eventTime > this.newestOfAll) this.newestOfAll = eventTime;

    const { expressions, results, order } = this;
    for (let i = 0; i < expressions.length; i++)
      results[i] = (expressions[i] as (row: Row) => Value)(row);
    order.eventTime = eventTime;
    order.partition = partition;
    order.offset = offset;
    for (let g = 0; g < this.groups.length; g++) {
      const group = this.groups[g] as TileGroup;
      const tileNo = group.numberOf(eventTime);
      const lowest = group.lowestKept(this.watermark);
      if (
        tileNo < lowest &&
        !(group.keepsNewest && tileNo === group.numberOf(this.newest[entity] as number))
      )
        continue;
      const slot = group.slotFor(entity, tileNo);
      if (eventTime > (group.newest[slot] as number)) group.newest[slot] = eventTime;
      group.markChanged(slot, partition, offset);
      const { partials } = group.hop;
      const inputs = this.inputs[g] as Int32Array;
      const filters = this.filters[g] as Int32Array;
      for (let p = 0; p < partials.length; p++) {
        const filter = filters[p] as number;
        if (filter >= 0 && results[filter] !== true) continue;
        const input = inputs[p] as number;
        const value = input < 0 ? true : (results[input] as Value);
        if (value === null) continue;
        const planned = partials[p] as (typeof partials)[number];
        planned.partial.add(group.at(slot, planned.n, planned.r), value, order);
      }
      if (lowest !== Number.NEGATIVE_INFINITY) group.evict(entity, lowest);
    }
    return true;
  }

  private isLate(row: Row, eventTime: number, partition: number, offset: number): boolean {
    const hopMs = this.widestHopMs;
    const key = hopMs === 0 ? null : this.plan.keyOf(row);
    if (key === null) return false;
    const closes = closingTime(eventTime, hopMs, this.plan.latenessMs as number);
    if (closes >= this.watermark) return false;
    this.late.push({ key, eventTime, partition, offset, hopMs, lateBy: this.watermark - closes });
    return true;
  }

  /** The late events since the last call. */
  takeLate(): readonly LateEvent[] {
    if (this.late.length === 0) return this.late;
    const { late } = this;
    this.late = [];
    return late;
  }

  read(key: string, at: number, out: Value[], status: FeatureStatus[]): ReadOutcome {
    const entity = this.find(key);
    if (entity === undefined) {
      if (this.dropped.mayHave(key)) return 'needs-history';
      this.readNothing(out, status);
      return 'ok';
    }
    const newest = this.newest[entity] as number;
    if (at < newest || at < this.watermark) return 'needs-history';
    this.readEntity(entity, at, out, status);
    return 'ok';
  }

  /** Values over no event, as of an entity that does not exist. */
  readNothing(out: Value[], status: FeatureStatus[]): void {
    const { values, status: nothing } = this.overNothing;
    for (let i = 0; i < values.length; i++) {
      out[i] = values[i] as Value;
      status[i] = nothing[i] as FeatureStatus;
    }
  }

  /** Event time (epoch ms) of an entity's newest event; null if it has none. */
  newestOf(key: string): number | null {
    const entity = this.find(key);
    return entity === undefined ? null : (this.newest[entity] as number);
  }

  /**
   * `read` for an entity index, if no processed event of the entity is later than `at`.
   */
  readEntity(entity: number, at: number, out: Value[], status: FeatureStatus[]): void {
    const { ttlMs, existence } = this.plan;
    if (existence !== null && !existsInTiles(this.plan, this.groups, entity)) {
      this.readNothing(out, status);
      return;
    }
    if (ttlMs !== null && (this.newest[entity] as number) < at - ttlMs) {
      for (let i = 0; i < this.plan.features.length; i++) {
        out[i] = null;
        status[i] = 'expired';
      }
      return;
    }
    for (let g = 0; g < this.groups.length; g++)
      (this.readers[g] as GroupReader).read(this.groups[g] as TileGroup, entity, at, out, status);
  }

  /** Evicts every tile that no window reaches from the watermark. */
  evict(): void {
    this.watchers.any();
    for (const group of this.groups) {
      const lowest = group.lowestKept(this.watermark);
      if (lowest === Number.NEGATIVE_INFINITY) continue;
      for (let entity = 0; entity < this.keys.length; entity++) group.evict(entity, lowest);
    }
  }
}

export const createTileStore = (plan: ViewPlan, limits: StoreLimits = {}): TileStore =>
  new TileStore(plan, limits);
