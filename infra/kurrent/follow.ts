/** Follows the revisions of a stream, and subscribes again when a subscription is lost. */
import type { CommitStream } from './commit-stream.ts';

const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 5_000;

/** @returns the function that stops following */
export const follow = (
  stream: CommitStream,
  after: number,
  onRevision: (revision: number) => void,
): (() => void) => {
  let seen = after;
  let pause = FIRST_PAUSE_MS;
  let timer: NodeJS.Timeout | null = null;
  let unsubscribe: (() => void) | null = null;
  let stopped = false;

  const start = (): void => {
    timer = null;
    unsubscribe = stream.subscribe(
      seen,
      (revision) => {
        // The server may send the revision `after` itself, too.
        if (stopped || revision <= seen) return;
        seen = revision;
        pause = FIRST_PAUSE_MS;
        onRevision(revision);
      },
      () => {
        unsubscribe = null;
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
    unsubscribe?.();
  };
};
