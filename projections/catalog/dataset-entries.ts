/** Catalog entries of named data sets. */
import type { CatalogDataset } from '#domain/api/registry.ts';
import { madeOf, targetOf } from '#domain/datasets/made-of.ts';
import type { DatasetManifest } from '#domain/datasets/manifest.ts';
import { DEFAULT_NAMESPACE, type Kind } from '#domain/definitions/model.ts';
import { newestVersion } from '#domain/registry/state.ts';
import type { CatalogStreams } from './catalog-streams.ts';

interface DatasetEntry {
  readonly entry: CatalogDataset;
  /** in lower case: what a search looks through */
  readonly text: string;
}

const namespaceOf = (catalog: CatalogStreams, { recipe: { target } }: DatasetManifest): string => {
  const [kind, name]: readonly [Kind, string] =
    'service' in target ? ['feature-service', target.service] : ['feature-view', target.view];
  const stream = catalog.stream(kind, name);
  const newest = stream === null ? null : newestVersion(stream.state);
  return newest?.definition.namespace ?? DEFAULT_NAMESPACE;
};

/** @param manifests by name, then by version */
export const datasetEntries = (
  catalog: CatalogStreams,
  manifests: readonly DatasetManifest[],
): readonly DatasetEntry[] => {
  const names = Map.groupBy(manifests, ({ name }) => name);
  return [...names].map(([name, versions]) => {
    const newest = versions.at(-1) as DatasetManifest;
    const { version, at, by, recipe, content } = newest;
    const of = targetOf(recipe);
    return {
      entry: {
        kind: 'dataset',
        name,
        version,
        status: 'active',
        namespace: namespaceOf(catalog, newest),
        owner: by,
        description: null,
        tags: [],
        of,
        createdAt: at,
        rows: content?.rows ?? null,
        versions: versions.map((one) => ({
          version: one.version,
          registeredAt: one.at,
          actor: one.by,
          reason: null,
        })),
        upstream: madeOf(newest),
        downstream: [],
      },
      text: [name, by, of, ...(content?.columns ?? []).map((column) => column.name)]
        .join('\n')
        .toLowerCase(),
    };
  });
};
