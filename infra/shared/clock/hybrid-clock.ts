/**
 * One clock for commits and reads, so that "known at T" never changes its meaning. A commit's stamp
 * is later than that of every earlier read. A read's stamp is never earlier than that of a commit
 * that it sees. Neither goes back when the machine's clock does.
 */
export interface HybridClock {
  /** The stamp for the next commit. */
  commitTime(): number;
  /** The `known` of a read now: it covers exactly the commits so far. */
  readTime(): number;
  /** Reports a stamp found in storage, so that later commits are not older. */
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
