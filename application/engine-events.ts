/** What the engine reports, recorded as commands of the platform. */
import type { CommandBus } from '#commands/command-bus.ts';
import type { EngineEvents } from '#domain/ports/engine.ts';

export interface RecordedEngineEvents extends EngineEvents {
  /** Resolves when everything reported so far is in the catalog, or could not be recorded. */
  readonly recorded: () => Promise<void>;
}

export const recordEngineEvents = (
  bus: Pick<CommandBus, 'system'>,
  warn: (message: string) => void,
): RecordedEngineEvents => {
  const pending = new Set<Promise<void>>();
  const record = (...[command]: Parameters<CommandBus['system']>): Promise<void> => {
    const recording = bus.system(command);
    const settled = recording
      .catch(() => {})
      .finally(() => {
        pending.delete(settled);
      });
    pending.add(settled);
    return recording;
  };
  return {
    onFilled: (view, generation) => record({ type: 'SystemGenerationFilled', view, generation }),
    onFailed(view, generation, { message: error }) {
      warn(`generation ${generation} of view "${view}" has stopped: ${error}`);
      return record({ type: 'SystemGenerationFailed', view, generation, error });
    },
    async recorded() {
      await Promise.all(pending);
    },
  };
};
