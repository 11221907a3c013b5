/**
 * A kind of operation at a steady rate, whether or not those before it were answered: as users
 * come, who do not wait for each other.
 */
export interface Load {
  readonly stop: () => Promise<void>;
}

/** More than these unanswered: the rest is left out, and it is a failure. */
const MOST_WAITING = 200;

export const startLoad = (
  perSecond: number,
  run: (due: number) => Promise<unknown>,
  onFull: () => void,
): Load => {
  const everyMs = 1000 / perSecond;
  const waiting = new Set<Promise<unknown>>();
  let due = performance.now() + Math.random() * everyMs;
  let running = true;
  let timer: NodeJS.Timeout;
  const tick = (): void => {
    if (!running) return;
    for (const now = performance.now(); due <= now; due += everyMs) {
      if (waiting.size >= MOST_WAITING) {
        onFull();
        continue;
      }
      const one = run(due).finally(() => waiting.delete(one));
      waiting.add(one);
    }
    timer = setTimeout(tick, Math.max(1, due - performance.now()));
  };
  tick();
  return {
    async stop() {
      running = false;
      clearTimeout(timer);
      await Promise.all(waiting);
    },
  };
};
