/**
 * One clock for commits and reads, so that "known at T" never changes its meaning: a commit is
 * stamped later than every read answered before it, a read never earlier than a commit that it can
 * see, and neither goes back when the machine's clock does.
 */
export interface HybridClock {
  /** Stamp of a commit about to be made. */
  commitTime(): number;
  /** `known` of a read about to be answered: covers exactly the commits made so far. */
  readTime(): number;
  /** A stamp found in storage: later commits are not older. */
  observe(time: number): void;
}

export const hybridClock = (now: () => number = Date.now): HybridClock => {
  let lastCommit = 0;
  let lastRead = -1;
  return {
    commitTime() {
      lastCommit = Math.max(now(), lastRead + 1, lastCommit);
      return lastCommit;
    },
    readTime() {
      lastRead = Math.max(now(), lastCommit, lastRead);
      return lastRead;
    },
    observe(time) {
      lastCommit = Math.max(lastCommit, time);
    },
  };
};
