/** Long work in the process that serves: reads get their turn every few milliseconds. */
const TURN_MS = 10;

/** @returns to be awaited between two pieces of the work */
export const turns = (): (() => Promise<void>) => {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < TURN_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    since = performance.now();
  };
};
