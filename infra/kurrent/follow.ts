/**
 * Hears of new revisions for as long as anyone wants to, over as many subscriptions as that takes.
 */
import type { CommitStream } from './commit-stream.ts';

const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 5_000;

/** @returns stops following */
export const follow = (
  stream: CommitStream,
  after: number,
  onRevision: (revision: number) => void,
): (() => void) => {
  let seen = after;
  let pause = FIRST_PAUSE_MS;
  let timer: NodeJS.Timeout | null = null;
  let leave: (() => void) | null = null;
  let stopped = false;

  const start = (): void => {
    timer = null;
    leave = stream.subscribe(
      seen,
      (revision) => {
        // A server may tell again of the one that we named.
        if (stopped || revision <= seen) return;
        seen = revision;
        pause = FIRST_PAUSE_MS;
        onRevision(revision);
      },
      () => {
        leave = null;
        if (stopped) return;
        timer = setTimeout(start, pause);
        timer.unref();
        pause = Math.min(MAX_PAUSE_MS, pause * 2);
      },
    );
  };
  start();
  return () => {
    stopped = true;
    if (timer !== null) clearTimeout(timer);
    leave?.();
  };
};
