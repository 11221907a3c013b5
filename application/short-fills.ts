/**
 * Fills that are a matter of milliseconds, because the log has few events to read: an apply waits
 * for them, so that a new view over a source with few events can be read at once.
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

/** @returns resolves when no short fill is under way: its generation is live, or has failed */
export const createShortFills = ({
  catalog,
  engine,
  events,
}: ShortFillsDependencies): (() => Promise<void>) => {
  const isShort = (view: string, number: number, most: number): boolean => {
    const generation = engine.generation(view, number);
    return generation !== null && generation.error() === null && generation.lag() <= most;
  };
  const underWay = (most: number): boolean =>
    catalog
      .streams('feature-view')
      .some(
        ({ name, state }) =>
          state.status !== 'retired' &&
          state.generations.some(
            ({ state: of, generation }) => of === 'filling' && isShort(name, generation, most),
          ),
      );

  return async () => {
    if (events === null || !underWay(events)) return;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(deadline);
        for (const unsubscribe of subscriptions) unsubscribe();
        resolve();
      };
      const check = (): void => {
        if (!underWay(events)) end();
      };
      const subscriptions = [engine.onProgress(check), catalog.onChange(check)];
      const deadline = setTimeout(end, DEADLINE_MS);
    });
  };
};
