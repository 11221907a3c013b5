/**
 * The entities of a tile store: their keys and indexes, and how many there may be. A store has at
 * most `quota` entities in memory. On the way there it drops those that `drop-dead.ts` calls dead,
 * and remembers them in `dropped`.
 *
 * Those of a saved state are loaded when they are used (`entity-parts.ts`). A store that may leave
 * entities to the saved state is brought back to its quota by its owner, with `evictEntities`;
 * until then, it may have twice as many.
 */
import { fail } from '#domain/errors.ts';
import { compileExpr } from '#domain/expressions/compile.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import type { Row, Scalar, Value } from '#domain/values/value.ts';
import { deadEntities, isDead } from './drop-dead.ts';
import { DroppedKeys } from './dropped-keys.ts';
import { EntityParts } from './entity-parts.ts';
import { keyHash } from './key-hash.ts';
import { StoreWatchers } from './store-watchers.ts';
import type { TileGroup } from './tile-group.ts';

type KeyLevel = Map<Scalar, KeyLevel | number>;

/** No entity: a key field is null. */
const NONE = -1;
/** An entity that is not in memory, and stays out. */
export const DROPPED = -2;

const FIRST_CAPACITY = 256;

export interface StoreLimits {
  /** absent: as many entities as there are */
  readonly quota?: number | undefined;
  /** whether raw events could answer for a dropped entity; absent: they can */
  readonly mayDrop?: (() => boolean) | undefined;
  /** whether its owner calls `evictEntities`; absent: it does not */
  readonly mayEvict?: boolean;
}

export abstract class StoredEntities {
  readonly plan: ViewPlan;
  abstract readonly groups: readonly TileGroup[];
  readonly keys: string[] = [];
  /**
   * by entity index: the encoded compound key with which records of features.<view> begin; filled
   * by the codec
   */
  readonly keyBytes: Uint8Array[] = [];
  /** those in memory: `find` also loads the others */
  readonly indexOf = new Map<string, number>();
  readonly dropped = new DroppedKeys();
  readonly parts = new EntityParts();
  /** by entity index: hash of the key */
  hashes = new Uint32Array(FIRST_CAPACITY);
  /** by entity index: 1 where it has changed since it was saved */
  unsaved = new Uint8Array(FIRST_CAPACITY);
  /** by entity index: 1 where it was used since `evictEntities` has looked at it */
  private used = new Uint8Array(FIRST_CAPACITY);
  /** the entity that `evictEntities` looks at next */
  private hand = 0;
  /** rises when entities get other indexes */
  moved = 0;
  /**
   * dropped entities of missing parts, which the saved state still has; each with its number, which
   * rises
   */
  readonly gone = new Map<string, number>();
  drops = 0;
  /** the most entities; beyond what it may have, `process` throws MR_ENTITY_QUOTA */
  readonly quota: number;
  private readonly most: number;
  /** with so many entities, dead ones are looked for; at most `most` */
  private room: number;
  private byParts: KeyLevel = new Map();
  /** whether a key is one text, which is its own encoding */
  private readonly isText: boolean;
  private readonly keyFields: readonly ((row: Row) => Value)[];
  /** by entity index: newest event time, epoch ms */
  newest = new Float64Array(FIRST_CAPACITY);
  watermark = Number.NEGATIVE_INFINITY;

  readonly watchers = new StoreWatchers();

  /** false: raw events could not answer for a dropped entity */
  private readonly mayDrop: () => boolean;

  protected constructor(
    plan: ViewPlan,
    { quota = Number.POSITIVE_INFINITY, mayDrop = () => true, mayEvict = false }: StoreLimits,
  ) {
    this.plan = plan;
    this.quota = quota;
    this.most = mayEvict ? quota * 2 : quota;
    this.mayDrop = mayDrop;
    this.room = Math.ceil(quota / 2);
    // A compiled read of a field uses a constant name, which is several times faster than a
    // variable one.
    this.keyFields = plan.keys.map(({ field }) => compileExpr({ op: 'col', name: field }));
    this.isText = plan.keys.length === 1 && plan.keys[0]?.type.base === 'string';
  }

  /** how many are in memory */
  get entities(): number {
    return this.keys.length;
  }

  /**
   * The index of an entity, which is loaded if the saved state has it.
   * @throws MR_DATA_DAMAGED where it cannot be loaded
   */
  find(key: string): number | undefined {
    const { parts, indexOf } = this;
    const known = indexOf.get(key);
    if (known !== undefined) {
      this.used[known] = 1;
      return known;
    }
    if (parts.missing === 0 || parts.isLoading || this.gone.has(key)) return undefined;
    const part = parts.of(keyHash(key));
    if (this.entities + parts.missingOf(part) <= this.quota) parts.load(part);
    else parts.loadSome(part, (other) => other === key);
    return indexOf.get(key);
  }

  /**
   * The index of a row's entity, added if it is new; NONE or DROPPED. One Map for each key field
   * finds it without joining the parts into a string, which would be half the cost of an event with
   * a compound key.
   */
  protected internRow(row: Row, eventTime: number): number {
    const { keyFields } = this;
    if (this.isText) {
      const key = (keyFields[0] as (row: Row) => Value)(row) as string | null;
      return key === null ? NONE : (this.indexOf.get(key) ?? this.admit(key, eventTime));
    }
    let level = this.byParts;
    for (let i = 0; ; i++) {
      const part = (keyFields[i] as (row: Row) => Value)(row);
      if (part === null) return NONE;
      const found = level.get(part as Scalar);
      if (i === keyFields.length - 1) {
        if (found !== undefined) return found as number;
        const entity = this.admit(this.plan.keyOf(row) as string, eventTime);
        if (entity !== DROPPED) level.set(part as Scalar, entity);
        return entity;
      }
      if (found === undefined) {
        const next: KeyLevel = new Map();
        level.set(part as Scalar, next);
        level = next;
      } else level = found as KeyLevel;
    }
  }

  /** @throws MR_ENTITY_QUOTA */
  private admit(key: string, eventTime: number): number {
    const known = this.find(key);
    if (known !== undefined) return known;
    if (this.staysDropped(key, eventTime)) return DROPPED;
    if (!this.makeRoomIfNeeded())
      fail(
        'MR_ENTITY_QUOTA',
        `view "${this.plan.view}" has ${this.entities} entities in memory, and its quota is ${this.quota}${this.most > this.quota ? ', and more come than can be saved' : ''}: raise it with --entity-quota and start the server again, or give the view windows or a "where" that let fewer entities count. No event is lost: the view goes on from where it stopped`,
        { view: this.plan.view, entities: this.entities, quota: this.quota },
      );
    return this.intern(key);
  }

  /** Whether an entity without a place in memory needs none for an event of this time. */
  staysDropped(key: string, eventTime: number): boolean {
    return this.dropped.mayHave(key) && isDead(this, eventTime);
  }

  /**
   * Drops dead entities before a further entity, if there are many.
   * @returns false where the store is full. It is full, too, if only a few were dropped: looking
   * for them takes time, and would soon have to be repeated
   */
  makeRoomIfNeeded(): boolean {
    if (this.entities < this.room) return true;
    this.dropDead();
    const { most } = this;
    const left = this.room < most ? most - 1 : most - Math.ceil(most / 64);
    if (this.entities > left) return false;
    this.room = Math.min(
      most,
      Math.max(Math.ceil(this.quota / 2), Math.ceil(this.entities * 1.25)),
    );
    return true;
  }

  dropDead(): void {
    const dead = this.mayDrop() ? deadEntities(this) : [];
    // From the last on: what takes its place is alive.
    for (const entity of dead.toReversed()) {
      const key = this.keys[entity] as string;
      const part = this.parts.of(this.hashes[entity] as number);
      this.dropped.add(key);
      // What was saved of it may be older than what is known of it.
      this.parts.rewrite(part);
      this.drops++;
      if (this.parts.isMissing(part)) this.gone.set(key, this.drops);
      this.remove(entity);
    }
    if (dead.length > 0) this.haveMoved();
  }

  /** A saved state has no entity any more whose number is at most this. */
  goneAreSaved(drops: number): void {
    for (const [key, number] of this.gone) if (number <= drops) this.gone.delete(key);
  }

  /**
   * Leaves entities to the saved state until only so many are in memory: those that have not
   * changed since they were saved, and were not used since the last look. No tile may be changed.
   * @param looks at how many entities to look, at most
   */
  evictEntities(most: number, looks: number): void {
    const { parts, hashes, used, unsaved } = this;
    const before = this.entities;
    for (let i = 0; i < looks && this.entities > most; i++) {
      if (this.hand >= this.entities) this.hand = 0;
      const entity = this.hand;
      const hash = hashes[entity] as number;
      if (used[entity] === 0 && unsaved[entity] === 0 && parts.mayEvict(hash)) {
        this.remove(entity);
        parts.evicted(hash);
      } else {
        used[entity] = 0;
        this.hand++;
      }
    }
    if (this.entities < before) this.haveMoved();
  }

  private haveMoved(): void {
    this.watchers.any();
    this.moved++;
    // Filled again by `internRow`.
    this.byParts = new Map();
  }

  /** The last entity gets its index. */
  private remove(index: number): void {
    const { keys, keyBytes, newest, hashes, unsaved, used, indexOf } = this;
    const last = keys.length - 1;
    indexOf.delete(keys[index] as string);
    for (const group of this.groups) group.removeEntity(index, last);
    const key = keys.pop() as string;
    const bytes = keyBytes[last];
    if (keyBytes.length > last) keyBytes.length = last;
    if (index === last) return;
    keys[index] = key;
    indexOf.set(key, index);
    newest[index] = newest[last] as number;
    hashes[index] = hashes[last] as number;
    unsaved[index] = unsaved[last] as number;
    used[index] = used[last] as number;
    if (index < keyBytes.length) keyBytes[index] = bytes as Uint8Array;
  }

  /** The index of an entity, added if it is new. */
  intern(key: string): number {
    let index = this.indexOf.get(key);
    if (index === undefined) {
      index = this.keys.push(key) - 1;
      this.indexOf.set(key, index);
      if (index >= this.newest.length) this.grow();
      this.newest[index] = Number.NEGATIVE_INFINITY;
      this.hashes[index] = keyHash(key);
      this.unsaved[index] = 0;
      this.used[index] = 1;
    }
    return index;
  }

  private grow(): void {
    const capacity = this.newest.length * 2;
    const { newest, hashes, unsaved, used } = this;
    this.newest = new Float64Array(capacity);
    this.newest.set(newest);
    this.hashes = new Uint32Array(capacity);
    this.hashes.set(hashes);
    this.unsaved = new Uint8Array(capacity);
    this.unsaved.set(unsaved);
    this.used = new Uint8Array(capacity);
    this.used.set(used);
  }

  /** An event counts for an entity. */
  protected touch(entity: number): void {
    this.unsaved[entity] = 1;
    this.used[entity] = 1;
  }
}
