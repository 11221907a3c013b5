/**
 * The entities of a store by parts: a part has those whose key's hash ends with the part's number.
 * A saved state has the entities of a part together, so a part is what is loaded at once, and what
 * leaves the memory at once when there are too many entities.
 *
 *   in memory   all of its entities are
 *   missing     none of them is: the first use of one loads them all
 *
 * A save writes the entities that changed (`unsaved` in stored-entities.ts), or the whole part: if
 * nothing of it was saved, or one of its entities has left the store.
 */

type LoadPart = (part: number) => void;

interface PartLoader {
  /** of an entity, on average */
  readonly tiles: number;
  /** Adds a part's entities to the store; if it throws, it has added none. */
  readonly load: LoadPart;
}

const copies = <T extends Uint8Array | Uint32Array>(array: T, length: number, into: T): T => {
  for (let at = 0; at < length; at += array.length) into.set(array, at);
  return into;
};

export class EntityParts {
  /** a power of two */
  count = 1;
  /** how many parts are missing */
  missing = 0;
  /** how many entities and, about, tiles these have */
  missingEntities = 0;
  private tilesOfEntity = 0;
  private isAbsent = new Uint8Array(1);
  private isWhole = Uint8Array.of(1);
  /** by part: 1 where one of its entities was used since `coldParts` looked at it */
  private isUsed = new Uint8Array(1);
  /** the part that `coldParts` looks at next */
  private hand = 0;
  private entities = new Uint32Array(1);
  private loadPart: LoadPart | null = null;

  get missingTiles(): number {
    return Math.round(this.missingEntities * this.tilesOfEntity);
  }

  of(hash: number): number {
    return hash & (this.count - 1);
  }

  isMissing(part: number): boolean {
    return this.isAbsent[part] === 1;
  }

  /** By part: 1 where it is missing now. */
  allMissing(): Uint8Array {
    return this.isAbsent.slice();
  }

  /** How many entities a part had when it was missing, about. */
  entitiesOf(part: number): number {
    return this.entities[part] as number;
  }

  /**
   * All entities of a store without any are in a saved state.
   * @param entities by part, a power of two of them: how many it has
   */
  attach(entities: Uint32Array, loader: PartLoader): void {
    this.count = entities.length;
    this.entities = entities.slice();
    this.isAbsent = Uint8Array.from(entities, (n) => (n > 0 ? 1 : 0));
    this.isWhole = new Uint8Array(this.count);
    this.isUsed = new Uint8Array(this.count);
    this.missing = this.isAbsent.reduce((sum, absent) => sum + absent, 0);
    this.missingEntities = entities.reduce((sum, n) => sum + n, 0);
    this.loadFrom(loader);
  }

  loadFrom({ tiles, load }: PartLoader): void {
    this.tilesOfEntity = tiles;
    this.loadPart = load;
  }

  use(hash: number): void {
    this.isUsed[hash & (this.count - 1)] = 1;
  }

  /**
   * Parts in memory with about so many entities, first of all those that were not used since the
   * last look.
   * @param sizeOf how many entities of a part are in memory
   */
  coldParts(wanted: number, sizeOf: (part: number) => number): readonly number[] {
    const cold = new Set<number>();
    let found = 0;
    // Each part is looked at twice at most: the first look lets a used one pass.
    for (let looks = 2 * this.count; looks > 0 && found < wanted; looks--) {
      const part = this.hand;
      this.hand = (part + 1) % this.count;
      if (this.isAbsent[part] === 1 || cold.has(part)) continue;
      if (this.isUsed[part] === 1) this.isUsed[part] = 0;
      else {
        cold.add(part);
        found += sizeOf(part);
      }
    }
    return [...cold];
  }

  mayEvict(part: number): boolean {
    return (
      this.loadPart !== null &&
      this.isAbsent[part] === 0 &&
      this.isUsed[part] === 0 &&
      this.isWhole[part] === 0
    );
  }

  /** The part's entities have left the memory, and the saved state has them. */
  evict(part: number, entities: number): void {
    if (entities === 0) return;
    this.isAbsent[part] = 1;
    this.entities[part] = entities;
    this.missing++;
    this.missingEntities += entities;
  }

  /** @returns whether the part of this hash was missing, and is loaded now */
  ensure(hash: number): boolean {
    const part = this.of(hash);
    if (this.isAbsent[part] === 0) return false;
    this.load(part);
    return true;
  }

  load(part: number): void {
    if (this.isAbsent[part] === 0) return;
    // What is loaded is looked up and added, which must not load it again.
    this.isAbsent[part] = 0;
    try {
      this.loadPart?.(part);
    } catch (error) {
      this.isAbsent[part] = 1;
      throw error;
    }
    this.missing--;
    this.missingEntities -= this.entities[part] as number;
  }

  /** The part of this hash is to be saved as a whole. */
  rewrite(hash: number): void {
    this.isWhole[this.of(hash)] = 1;
  }

  /** Every part that is in memory is to be saved as a whole. */
  rewriteAll(): void {
    for (let part = 0; part < this.count; part++)
      this.isWhole[part] = this.isAbsent[part] === 1 ? 0 : 1;
  }

  /** Whether the part is to be saved as a whole; from now on, no longer. */
  takeWhole(part: number): boolean {
    const whole = this.isWhole[part] === 1;
    this.isWhole[part] = 0;
    return whole;
  }

  /** Divides each part into several. */
  split(count: number): void {
    const times = count / this.count;
    if (times <= 1) return;
    const before = this.count;
    const entities = this.entities;
    this.isAbsent = copies(this.isAbsent, count, new Uint8Array(count));
    this.isWhole = copies(this.isWhole, count, new Uint8Array(count));
    this.isUsed = copies(this.isUsed, count, new Uint8Array(count));
    // About as many for each; together as many as before.
    this.entities = new Uint32Array(count);
    for (let part = 0; part < count; part++) {
      const all = entities[part & (before - 1)] as number;
      const nth = Math.floor(part / before);
      this.entities[part] = Math.floor((all * (nth + 1)) / times) - Math.floor((all * nth) / times);
    }
    this.missing *= times;
    this.count = count;
  }
}
