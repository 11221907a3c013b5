/** The names that tables of rollups can have, by the registry. */
import { ROLLUP_PERIODS, type RollupName, rollupTopic } from '#domain/rollups/rollup-name.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';

/** One for each version that a view ever had, and length of periods. */
export const possibleRollups = (catalog: Pick<Catalog, 'streams'>): readonly RollupName[] =>
  catalog
    .streams('feature-view')
    .flatMap(({ name: view, state }) =>
      state.versions.flatMap(({ version }) =>
        ROLLUP_PERIODS.map((every) => ({ view, version, every })),
      ),
    );

export const rollupTopics = (catalog: Pick<Catalog, 'streams'>): readonly string[] =>
  possibleRollups(catalog).map(rollupTopic);
