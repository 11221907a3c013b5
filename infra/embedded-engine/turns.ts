/** Long work in the serving process yields to reads and appends every few milliseconds. */
const TURN_MS = 5;

/** @returns a function to await between two pieces of the work */
export const turns = (): (() => Promise<void>) => {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < TURN_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    since = performance.now();
  };
};
