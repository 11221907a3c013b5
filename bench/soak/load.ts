/**
 * One kind of operation at a steady rate, whether or not the earlier ones were answered: users do
 * not wait for each other.
 */
export interface Load {
  readonly stop: () => Promise<void>;
}

/** With more unanswered operations than this, new ones are skipped, and the soak fails. */
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
