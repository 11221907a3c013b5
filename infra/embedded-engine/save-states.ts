/**
 * Saves the generations' states now and then, so that a restart reads little of features.<view>: a
 * state is saved when many updates came since the last time, and every minute where there was any.
 */
import type { EmbeddedGeneration } from './generation.ts';

const TICK_MS = 5_000;
/** A restart reads at most about so many, and those of a few seconds. */
const MANY_UPDATES = 100_000;
const TICKS_A_MINUTE = 12;

export const saveStates = (
  running: () => Iterable<Pick<EmbeddedGeneration, 'save'>>,
  warn: (message: string) => void,
): { readonly stop: () => void } => {
  let ticks = 0;
  let isSaving = false;
  const saveAll = async (leastUpdates: number): Promise<void> => {
    for (const generation of running()) await generation.save(leastUpdates);
  };
  const timer = setInterval(() => {
    ticks = (ticks + 1) % TICKS_A_MINUTE;
    // What a tick leaves out is saved within a minute, or when there are many updates again.
    if (isSaving) return;
    isSaving = true;
    saveAll(ticks === 0 ? 1 : MANY_UPDATES)
      .catch((error: unknown) => warn(`the engine's state could not be saved: ${String(error)}`))
      .finally(() => {
        isSaving = false;
      });
  }, TICK_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
};
