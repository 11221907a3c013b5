/** What the engine reports, recorded as commands of the platform. */
import type { CommandBus } from '#commands/command-bus.ts';
import type { EngineEvents } from '#domain/ports/engine.ts';

export const recordEngineEvents = (
  bus: Pick<CommandBus, 'system'>,
  warn: (message: string) => void,
): EngineEvents => ({
  onFilled: (view, generation) => bus.system({ type: 'SystemGenerationFilled', view, generation }),
  onFailed(view, generation, { message: error }) {
    warn(`generation ${generation} of view "${view}" has stopped: ${error}`);
    return bus.system({ type: 'SystemGenerationFailed', view, generation, error });
  },
});
