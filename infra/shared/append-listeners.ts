/** Who wants to know of appends to a log. */
export interface AppendListeners {
  /** @returns a function that removes it */
  readonly add: (listener: (topics: ReadonlySet<string>) => void) => () => void;
  /**
   * What was appended is durable and stays acknowledged, whatever a listener does: its error is
   * thrown later, outside of the append.
   */
  readonly notify: (topics: ReadonlySet<string>) => void;
  readonly clear: () => void;
}

export const appendListeners = (): AppendListeners => {
  const listeners = new Set<(topics: ReadonlySet<string>) => void>();
  return {
    add(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    notify(topics) {
      for (const listener of [...listeners]) {
        try {
          listener(topics);
        } catch (error) {
          queueMicrotask(() => {
            throw error;
          });
        }
      }
    },
    clear: () => listeners.clear(),
  };
};
