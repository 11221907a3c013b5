/** The generations that the engine should run, from the registry. */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { WantedGeneration, WantedView } from '#domain/ports/engine.ts';
import type { Catalog, CatalogStream } from '#projections/catalog/catalog.ts';

const RUNNING = ['filling', 'ready', 'live', 'standby'] as const;
type Running = (typeof RUNNING)[number];

const GONE = ['retired', 'abandoned', 'failed'] as const;
const isGone = (state: string): boolean => (GONE as readonly string[]).includes(state);
const isRunning = (state: string): state is Running =>
  (RUNNING as readonly string[]).includes(state);

const wantedView = (
  catalog: Catalog,
  { name, state }: CatalogStream,
  onBroken: (view: string, error: unknown) => void,
): WantedView | null => {
  const generations: WantedGeneration[] = [];
  for (const record of state.generations) {
    if (!isRunning(record.state)) continue;
    try {
      const plan = catalog.plan(name, record.version);
      const source = catalog.definition('source', plan.source) as SourceDefinition | null;
      if (source === null) continue;
      const { replay } = record;
      const partial =
        replay === null || (replay.from === null && replay.to === null && replay.keys === null)
          ? null
          : { from: replay.from, to: replay.to, keys: replay.keys };
      generations.push({
        spec: { view: name, version: record.version, generation: record.generation, plan, source },
        state: record.state,
        partial,
      });
    } catch (error) {
      // The source was changed by force and does not fit the view any more. The view does not
      // compute until it is revised; all others do.
      onBroken(name, error);
    }
  }
  const gone = state.generations
    .filter((record) => isGone(record.state))
    .map(({ generation }) => generation);
  return { view: name, generations, gone };
};

export const wantedViews = (
  catalog: Catalog,
  onBroken: (view: string, error: unknown) => void,
): readonly WantedView[] =>
  catalog
    .streams('feature-view')
    .filter(({ state }) => state.status !== 'retired')
    .flatMap((stream) => wantedView(catalog, stream, onBroken) ?? []);
