/**
 * Fills that are a matter of milliseconds, because the log has few events to read: an apply waits
 * for them, so that a new view over a source with few events can be read at once. So does the
 * restoring of a view, for the events that arrived while it was retired.
 */
import type { Engine } from '#domain/ports/engine.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';

interface ShortFillsDependencies {
  readonly catalog: Pick<Catalog, 'streams' | 'onChange'>;
  readonly engine: Pick<Engine, 'generation' | 'onProgress'>;
  /** a generation with at most so many events to read is filled soon; null: none is */
  readonly events: number | null;
}

/** A fill whose commits fail is repeated for ever: an apply does not wait longer than this. */
const DEADLINE_MS = 5_000;

/**
 * @returns resolves when no short fill is under way: its generation is live, or has failed; and the
 * live generations of the given views have caught up.
 */
export const createShortFills = ({
  catalog,
  engine,
  events,
}: ShortFillsDependencies): ((views?: readonly string[]) => Promise<void>) => {
  const isShort = (view: string, number: number, most: number): boolean => {
    const generation = engine.generation(view, number);
    return generation !== null && generation.error() === null && generation.lag() <= most;
  };
  const isBehind = (view: string, number: number, most: number): boolean =>
    isShort(view, number, most) && engine.generation(view, number)?.lag() !== 0;
  const underWay = (most: number, views: readonly string[]): boolean =>
    catalog
      .streams('feature-view')
      .some(
        ({ name, state }) =>
          state.status !== 'retired' &&
          state.generations.some(
            ({ state: of, generation }) =>
              (of === 'filling' && isShort(name, generation, most)) ||
              (views.includes(name) && of === 'live' && isBehind(name, generation, most)),
          ),
      );

  return async (views = []) => {
    if (events === null || !underWay(events, views)) return;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(deadline);
        for (const unsubscribe of subscriptions) unsubscribe();
        resolve();
      };
      const check = (): void => {
        if (!underWay(events, views)) end();
      };
      const subscriptions = [engine.onProgress(check), catalog.onChange(check)];
      const deadline = setTimeout(end, DEADLINE_MS);
    });
  };
};
