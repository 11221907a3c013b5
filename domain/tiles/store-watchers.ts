/** Who is told of changes of a tile store before they are made. */

export interface StoreWatcher {
  /** the tiles of an entity change next */
  readonly entity: (entity: number) => void;
  /** those of any entities do, or other entities get the indexes */
  readonly any: () => void;
}

export class StoreWatchers {
  private readonly all = new Set<StoreWatcher>();

  /** @returns ends it */
  add(watcher: StoreWatcher): () => void {
    this.all.add(watcher);
    return () => void this.all.delete(watcher);
  }

  entity(entity: number): void {
    if (this.all.size === 0) return;
    for (const watcher of this.all) watcher.entity(entity);
  }

  any(): void {
    for (const watcher of this.all) watcher.any();
  }
}
