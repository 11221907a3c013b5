/**
 * Event ids seen within a source's dedupe window (log time). Two maps, swapped every window, bound
 * the memory: an id is remembered for at least one window and at most two.
 */
export interface Dedupe {
  /** Remembers an id. False where it was seen within the window. */
  add(id: string, logTime: number): boolean;
  /** Forgets an id whose append has failed. */
  remove(id: string): void;
}

export const createDedupe = (windowMs: number): Dedupe => {
  let young = new Map<string, number>();
  let old = new Map<string, number>();
  let swapAt = Number.NEGATIVE_INFINITY;
  const seen = (id: string, logTime: number): boolean => {
    const time = young.get(id) ?? old.get(id);
    return time !== undefined && logTime - time <= windowMs;
  };
  return {
    add(id, logTime) {
      if (logTime > swapAt) {
        old = young;
        young = new Map();
        swapAt = logTime + windowMs;
      }
      if (seen(id, logTime)) return false;
      young.set(id, logTime);
      return true;
    },
    remove(id) {
      young.delete(id);
    },
  };
};
