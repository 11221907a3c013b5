/**
 * How far the engine follows the registry: the position whose definitions and generations reads are
 * answered by.
 */

export interface FollowedPosition {
  readonly position: () => number;
  readonly reached: (position: number) => void;
  readonly onProgress: (listener: () => void) => () => void;
}

export const followedPosition = (): FollowedPosition => {
  let followed = 0;
  const listeners = new Set<() => void>();
  return {
    position: () => followed,
    reached(position) {
      if (position <= followed) return;
      followed = position;
      for (const listener of [...listeners]) listener();
    },
    onProgress(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
};
