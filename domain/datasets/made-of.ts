/** What a named data set is made of, as kind/name: whoever sees the data set sees these. */
import type { Kind } from '#domain/definitions/model.ts';
import type { DatasetManifest, DatasetRecipe, SpineRecord } from './manifest.ts';

const id = (kind: Kind, name: string): string => `${kind}/${name}`;

/** The service or view whose features it has. */
export const targetOf = ({ target }: Pick<DatasetRecipe, 'target'>): string =>
  'service' in target ? id('feature-service', target.service) : id('feature-view', target.view);

/** Where the rows of a spine come from. */
const originsOf = (spine: SpineRecord): readonly string[] => {
  if (spine.kind === 'events') return [id('source', spine.source)];
  return spine.kind === 'sql' ? spine.tables.map(({ of }) => of) : [];
};

/** Its service or view, and what its rows come from. */
export const upstreamOfDataset = ({
  recipe,
}: Pick<DatasetManifest, 'recipe'>): readonly string[] => [
  targetOf(recipe),
  ...originsOf(recipe.spine),
];

export const madeOf = (manifest: Pick<DatasetManifest, 'recipe'>): readonly string[] => [
  ...new Set([
    ...upstreamOfDataset(manifest),
    ...manifest.recipe.views.map(({ view }) => id('feature-view', view)),
  ]),
];
