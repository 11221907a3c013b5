/** Recipes of named data sets: made of what was pinned, and read back, a year later. */

import type { DatasetRequest } from '#domain/api/datasets.ts';
import type { DatasetRecipe, SourceRecord } from '#domain/datasets/manifest.ts';
import type {
  EntityDefinition,
  FeatureServiceDefinition,
  FeatureViewDefinition,
  Kind,
  OnDemandFeatureDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import { fail } from '#domain/errors.ts';
import type { ReadSnapshot } from '#domain/ports/lineage.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import type {
  AnsweringGeneration,
  RawFiles,
  TrainingSetJob,
} from '#domain/ports/training-set-builder.ts';
import type { ByKind } from '#domain/registry/registered.ts';
import { newestVersion } from '#domain/registry/state.ts';
import type { ViewDefinitions } from '#domain/training-sets/training-set-plan.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import type { Pinned } from './pin-target.ts';

type Versions = Readonly<Record<string, number>>;

const newestOf = (catalog: Catalog, kind: Kind, name: string): number => {
  const stream = catalog.stream(kind, name);
  return (stream === null ? null : newestVersion(stream.state))?.version ?? 0;
};

const versionsOf = (catalog: Catalog, kind: Kind, names: readonly string[]): Versions =>
  Object.fromEntries(
    [...new Set(names)].sort().map((name) => [name, newestOf(catalog, kind, name)]),
  );

/** The definitions that a request is pinned to. */
export const pinnedVersions = (
  catalog: Catalog,
  target: DatasetRequest['target'],
  pinned: Pinned,
  extraSources: readonly string[],
): Pick<DatasetRecipe, 'target' | 'onDemand' | 'entities' | 'sourceVersions'> => {
  const { views, onDemand } = pinned.target;
  return {
    target:
      'service' in target
        ? { ...target, version: newestOf(catalog, 'feature-service', target.service) }
        : {
            ...target,
            version: pinned.views.find(({ view }) => view === target.view)?.version ?? 0,
          },
    onDemand: versionsOf(
      catalog,
      'on-demand-feature',
      onDemand.map(({ name }) => name),
    ),
    entities: versionsOf(
      catalog,
      'entity',
      views.map(({ entity }) => entity.name),
    ),
    sourceVersions: versionsOf(catalog, 'source', [
      ...views.map(({ source }) => source.name),
      ...extraSources,
    ]),
  };
};

/** What was read of each source, and which generations answer. */
export const pinnedReads = (
  { views }: Pinned,
  { sources, timelines }: Pick<TrainingSetJob, 'sources' | 'timelines'>,
  snapshots: readonly ReadSnapshot[],
): Pick<DatasetRecipe, 'sources' | 'views'> => {
  const snapshotOf = new Map(snapshots.map(({ topic, snapshot }) => [topic, snapshot]));
  const recordOf = (name: string, { below, horizon, imports }: RawFiles): SourceRecord => {
    // `known` is the recipe's.
    const { known: _, ...imported } = imports ?? { known: 0 };
    return {
      below,
      ...(imports === undefined ? {} : { imports: imported as SourceRecord['imports'] & {} }),
      ...(horizon === undefined ? {} : { horizon }),
      snapshot: snapshotOf.get(rawTopic(name)) ?? null,
    };
  };
  const countLate = ({ definitions, late = [] }: AnsweringGeneration): number => {
    const below = sources[definitions.source.name]?.below ?? [];
    return late.filter(({ partition, offset }) => offset < (below[partition] ?? 0)).length;
  };
  return {
    sources: Object.fromEntries(
      Object.entries(sources).map(([name, raw]): [string, SourceRecord] => [
        name,
        recordOf(name, raw),
      ]),
    ),
    views: views.map(({ view, version, generation }) => {
      const timeline = timelines?.[view];
      if (timeline === undefined) return { view, version, generation };
      const answers = timeline.map((one) => ({
        generation: one.generation,
        version: one.version,
        from: one.from,
        to: one.to,
        late: countLate(one),
      }));
      return { view, version, generation, answers };
    }),
  };
};

/** The definitions of a recipe, also where they are retired by now. */
export const pinnedAgain = (catalog: Catalog, recipe: DatasetRecipe): Pinned => {
  const find = <K extends Kind>(kind: K, name: string, version: number): ByKind[K] =>
    (catalog.stream(kind, name)?.state.versions.find((v) => v.version === version)?.definition as
      | ByKind[K]
      | undefined) ??
    fail(
      'MR_DATASET_CHANGED',
      `the data set needs ${kind} "${name}" version ${version}, and the registry does not have it`,
      { kind, name, version },
    );
  const definitionsOf = (name: string, version: number): ViewDefinitions => {
    const view = find('feature-view', name, version) as FeatureViewDefinition;
    const newest = (kind: 'source' | 'entity', of: string, versions: Versions): number =>
      versions[of] ?? newestOf(catalog, kind, of);
    const { source, entity } = view;
    return {
      view,
      source: find(
        'source',
        source,
        newest('source', source, recipe.sourceVersions),
      ) as SourceDefinition,
      entity: find('entity', entity, newest('entity', entity, recipe.entities)) as EntityDefinition,
    };
  };
  const { target, views } = recipe;
  const members =
    'service' in target
      ? (find('feature-service', target.service, target.version) as FeatureServiceDefinition)
          .features
      : [
          {
            from: 'view' as const,
            view: target.view,
            features: Object.keys(definitionsOf(target.view, target.version).view.features),
          },
        ];
  return {
    target: {
      members,
      views: views.map(({ view, version }) => definitionsOf(view, version)),
      onDemand: Object.entries(recipe.onDemand).map(
        ([name, version]) => find('on-demand-feature', name, version) as OnDemandFeatureDefinition,
      ),
    },
    views: views.map(({ view, version, generation }) => ({ view, version, generation })),
    definitionsOf,
  };
};

export const spineSourceOf = (
  catalog: Catalog,
  name: string,
  recipe: DatasetRecipe | null,
): SourceDefinition => {
  const stream = catalog.stream('source', name);
  const found =
    recipe === null
      ? catalog.definition('source', name)
      : stream?.state.versions.find(({ version }) => version === recipe.sourceVersions[name])
          ?.definition;
  return (
    (found as SourceDefinition | null | undefined) ??
    fail('MR_NOT_FOUND', `there is no source "${name}"`, { source: name })
  );
};
