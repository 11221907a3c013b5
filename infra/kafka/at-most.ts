/** Runs at most so many pieces of work at a time; the others wait in their order. */
export const atMost = (limit: number): (<T>(work: () => Promise<T>) => Promise<T>) => {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      // the place goes to the next one, and is never free in between
      if (next === undefined) running--;
      else next();
    }
  };
};
