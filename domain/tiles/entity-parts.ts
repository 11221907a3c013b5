/**
 * The entities of a store by parts: a part has those whose key's hash ends with the part's number.
 * A saved state has the entities of a part together.
 *
 *   whole     all of its entities are in memory
 *   missing   some are in the saved state only, as they are there
 *
 * After a start, all entities are missing. A use of one loads its part, or the entity alone where
 * there are too many in memory; then entities also leave the memory, one by one.
 *
 * A save writes the entities that changed (`unsaved` in stored-entities.ts), or all of a part: if
 * nothing of it was saved, or an entity of it was dropped.
 */

type Wants = (key: string) => boolean;

interface PartLoader {
  /** of an entity, on average */
  readonly tiles: number;
  /**
   * Adds the entities of a part that are wanted and not in memory. If it throws, it has added none.
   * @returns how many were in the saved state
   */
  readonly load: (part: number, wants: Wants) => number;
}

const ANY: Wants = () => true;

const copies = <T extends Uint8Array | Uint32Array>(array: T, length: number, into: T): T => {
  for (let at = 0; at < length; at += array.length) into.set(array, at);
  return into;
};

export class EntityParts {
  /** a power of two */
  count = 1;
  /** how many parts are missing */
  missing = 0;
  /** about how many entities and tiles are in the saved state only */
  missingEntities = 0;
  private tilesOfEntity = 0;
  private missesSome = new Uint8Array(1);
  /** by part: how many entities are missing, about */
  private entities = new Uint32Array(1);
  private isRewritten = Uint8Array.of(1);
  private loader: PartLoader | null = null;
  /** while entities are loaded, looking one up loads no other */
  isLoading = false;

  get missingTiles(): number {
    return Math.round(this.missingEntities * this.tilesOfEntity);
  }

  of(hash: number): number {
    return hash & (this.count - 1);
  }

  isMissing(part: number): boolean {
    return this.missesSome[part] === 1;
  }

  missingOf(part: number): number {
    return this.entities[part] as number;
  }

  /** By part: 1 where it is missing now. */
  allMissing(): Uint8Array {
    return this.missesSome.slice();
  }

  /**
   * All entities of a store without any are in a saved state.
   * @param entities by part, a power of two of them: how many it has
   */
  attach(entities: Uint32Array, loader: PartLoader): void {
    this.count = entities.length;
    this.entities = entities.slice();
    this.missesSome = Uint8Array.from(entities, (n) => (n > 0 ? 1 : 0));
    this.isRewritten = new Uint8Array(this.count);
    this.missing = this.missesSome.reduce((sum, one) => sum + one, 0);
    this.missingEntities = entities.reduce((sum, n) => sum + n, 0);
    this.loadFrom(loader);
  }

  loadFrom(loader: PartLoader): void {
    this.loader = loader;
    this.tilesOfEntity = loader.tiles;
  }

  private run(part: number, wants: Wants): number {
    this.isLoading = true;
    try {
      return this.loader?.load(part, wants) ?? 0;
    } finally {
      this.isLoading = false;
    }
  }

  /** Loads all that is missing of a part. */
  load(part: number): void {
    if (!this.isMissing(part)) return;
    this.missingEntities -= this.run(part, ANY);
    this.missesSome[part] = 0;
    this.missing--;
    this.entities[part] = 0;
    // What the saved state said may be more than there was.
    if (this.missing === 0) this.missingEntities = 0;
  }

  loadSome(part: number, wants: Wants): void {
    if (!this.isMissing(part)) return;
    const loaded = this.run(part, wants);
    this.entities[part] = Math.max(0, this.missingOf(part) - loaded);
    this.missingEntities = Math.max(0, this.missingEntities - loaded);
  }

  /** Whether an entity that has not changed since it was saved may leave the memory. */
  mayEvict(hash: number): boolean {
    return this.loader !== null && this.isRewritten[this.of(hash)] === 0;
  }

  /** An entity has left the memory, and the saved state has it. */
  evicted(hash: number): void {
    const part = this.of(hash);
    if (!this.isMissing(part)) {
      this.missesSome[part] = 1;
      this.missing++;
    }
    this.entities[part] = this.missingOf(part) + 1;
    this.missingEntities++;
  }

  /** All of a part is to be saved. */
  rewrite(part: number): void {
    this.isRewritten[part] = 1;
  }

  /** Whether all of the part is to be saved; from now on, no longer. */
  takeRewritten(part: number): boolean {
    const all = this.isRewritten[part] === 1;
    this.isRewritten[part] = 0;
    return all;
  }

  /** Divides each part into several. */
  split(count: number): void {
    const times = count / this.count;
    if (times <= 1) return;
    const before = this.count;
    const entities = this.entities;
    this.missesSome = copies(this.missesSome, count, new Uint8Array(count));
    this.isRewritten = copies(this.isRewritten, count, new Uint8Array(count));
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
