/**
 * Values from callbacks as an iteration. There is no back pressure: the reader takes all that
 * comes, or ends what writes.
 */
export interface Channel<T> {
  readonly push: (value: T) => void;
  readonly end: () => void;
  readonly fail: (error: unknown) => void;
  readonly values: () => AsyncGenerator<T>;
}

export const channel = <T>(): Channel<T> => {
  const waiting: T[] = [];
  let closed: { readonly error: unknown } | { readonly done: true } | null = null;
  let wake = (): void => {};
  const close = (how: NonNullable<typeof closed>): void => {
    closed ??= how;
    wake();
  };
  return {
    push(value) {
      if (closed !== null) return;
      waiting.push(value);
      wake();
    },
    end: () => close({ done: true }),
    fail: (error) => close({ error }),
    async *values() {
      for (;;) {
        const value = waiting.shift();
        if (value !== undefined) yield value;
        else if (closed === null)
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        else if ('error' in closed) throw closed.error;
        else return;
      }
    },
  };
};
