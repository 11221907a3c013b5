/**
 * One clock for commits and reads, so that "known at T" never changes its meaning. A commit's stamp
 * is later than that of every earlier read. A read's stamp is never earlier than that of a commit
 * that it sees. Neither goes back when the machine's clock does.
 *
 * So one commit that was made while the machine's clock was far ahead makes all later stamps lead
 * the clock, once it is set right. Up to MAX_LEAD_MS that is usual: clocks are adjusted. Beyond it,
 * `lead` says by how much, so that no read takes such a stamp for the present.
 */
export interface HybridClock {
  /** The stamp for the next commit. */
  commitTime(): number;
  /** The `known` of a read now: it covers exactly the commits so far. */
  readTime(): number;
  /** By how much stamps lead the machine's clock, ms; 0: by at most MAX_LEAD_MS. */
  lead(): number;
  /** Reports a stamp found in storage, so that later commits are not older. */
  observe(time: number): void;
}

export const MAX_LEAD_MS = 60_000;

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
    lead() {
      const lead = lastCommit - now();
      return lead > MAX_LEAD_MS ? lead : 0;
    },
    observe(time) {
      lastCommit = Math.max(lastCommit, time);
    },
  };
};
