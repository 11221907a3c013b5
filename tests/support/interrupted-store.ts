/** An event store between whose caller and whose tables another process commits. */
import type { EventStore } from '#domain/ports/event-store.ts';

export interface Interrupted {
  /** for the registry under test */
  readonly wrap: (store: EventStore) => EventStore;
  /** The next append waits for this first, once. */
  readonly interrupt: (act: () => Promise<unknown>) => void;
  /** how many appends there were */
  readonly appends: () => number;
}

export const interruptedStore = (): Interrupted => {
  let next: (() => Promise<unknown>) | null = null;
  let appends = 0;
  return {
    wrap: (store) => ({
      ...store,
      async append(commit, expected, options) {
        appends++;
        const first = next;
        next = null;
        await first?.();
        return store.append(commit, expected, options);
      },
    }),
    interrupt(act) {
      next = act;
    },
    appends: () => appends,
  };
};
