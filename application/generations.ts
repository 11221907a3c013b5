/** The generations that run, found by the state that the registry gives them. */
import type { Engine, EngineGeneration } from '#domain/ports/engine.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';

export interface Generations {
  /** the generation that reads use; null: none is live, or it does not run yet */
  readonly live: (view: string) => EngineGeneration | null;
  /** a generation that is being filled, or that waits for its promotion */
  readonly filling: (view: string) => EngineGeneration | null;
}

export const createGenerations = (
  catalog: Catalog,
  engine: Pick<Engine, 'generation'>,
): Generations => {
  const inState = (view: string, states: readonly string[]): EngineGeneration | null => {
    const found = catalog
      .stream('feature-view', view)
      ?.state.generations.find(({ state }) => states.includes(state));
    return found === undefined ? null : engine.generation(view, found.generation);
  };
  return {
    live: (view) => inState(view, ['live']),
    filling: (view) => inState(view, ['filling', 'ready']),
  };
};
