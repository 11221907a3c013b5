/**
 * The facts that a definition is registered or planned by: what is wrong with it, what it changes,
 * what it computes.
 */
import { checkDefinition } from '#domain/definitions/check.ts';
import type { Definition } from '#domain/definitions/model.ts';
import { MillraceError, type Problem } from '#domain/errors.ts';
import { planView } from '#domain/plan/plan-view.ts';
import type { Change, Readers } from '#domain/registry/change.ts';
import { diffDefinitions } from '#domain/registry/diff.ts';
import { sourceReaders } from '#domain/registry/source-readers.ts';
import { liveGeneration, newestVersion } from '#domain/registry/state.ts';
import { type Catalog, type CatalogDefinitions, overlay } from '#projections/catalog/catalog.ts';
import { lookupsOf, readersOf } from '#projections/catalog/references.ts';

/** The hash of a view's plan; null where it is no view, or does not fit its source or entity. */
export const hashOfPlan = (
  { definition }: Pick<CatalogDefinitions, 'definition'>,
  view: Definition,
): string | null => {
  if (view.kind !== 'feature-view') return null;
  const [source, entity] = [definition('source', view.source), definition('entity', view.entity)];
  try {
    return source === null || entity === null ? null : planView(view, source, entity).hash;
  } catch {
    return null;
  }
};

interface Facts {
  readonly problems: readonly Problem[];
  readonly change: Change | null;
  readonly planHash: string | null;
}

/** The definitions that are applied together with a definition, in one request. */
interface BatchContext {
  /**
   * All of them. What reads a definition is looked up here first, so that a request which changes
   * both ends of a reference is checked as a whole.
   */
  readonly batch: readonly Definition[];
  /** Those that count as registered already: all of them in a plan, none in a decision. */
  readonly assumed: readonly Definition[];
}

const NO_BATCH: BatchContext = { batch: [], assumed: [] };

/**
 * A pinned version must be registered and have the features that the service reads, or be the next
 * version and registered by the same request.
 */
const pinProblems = (
  catalog: Catalog,
  definition: Definition,
  assumed: readonly Definition[],
): Problem[] => {
  if (definition.kind !== 'feature-service') return [];
  const details = { kind: definition.kind, name: definition.name };
  return definition.features.flatMap((member): Problem[] => {
    if (member.from !== 'view' || member.version === undefined) return [];
    const { view, version, features } = member;
    const versions =
      catalog.stream('feature-view', view)?.state.versions.map((v) => v.version) ?? [];
    const coming =
      assumed.some((d) => d.kind === 'feature-view' && d.name === view) &&
      version === (versions.at(-1) ?? 0) + 1;
    if (coming) return [];
    const code = 'MR_UNKNOWN_REFERENCE';
    const what = `feature service ${definition.name}`;
    const pinned = catalog.definition('feature-view', view, version);
    if (pinned === null)
      return [
        {
          code,
          message: `${what}: ${view} has no version ${version}: it has ${versions.join(', ') || 'none'}.`,
          details,
        },
      ];
    const missing = features.filter((feature) => !Object.hasOwn(pinned.features, feature));
    const offered = Object.keys(pinned.features).join(', ');
    return missing.map((feature) => ({
      code,
      message: `${what}: version ${version} of ${view} has no feature ${JSON.stringify(feature)}: it has ${offered}.`,
      details,
    }));
  });
};

/** The versions of views that compute now, where newer ones are registered. */
const computingOlder = (catalog: Catalog): readonly Definition[] =>
  catalog.streams('feature-view').flatMap(({ name, state }): readonly Definition[] => {
    const version = liveGeneration(state)?.version;
    if (version === undefined || version === newestVersion(state)?.version) return [];
    return [catalog.definition('feature-view', name, version) ?? []].flat();
  });

export const factsOf = (
  catalog: Catalog,
  definition: Definition,
  { batch, assumed }: BatchContext = NO_BATCH,
): Facts => {
  const definitions = overlay(catalog, [...assumed, definition]);
  const problems = [
    ...checkDefinition(definition, lookupsOf(definitions)),
    ...pinProblems(catalog, definition, assumed),
  ];
  let planHash: string | null = null;
  if (definition.kind === 'feature-view' && problems.length === 0) {
    try {
      const source = definitions.definition('source', definition.source);
      const entity = definitions.definition('entity', definition.entity);
      if (source !== null && entity !== null) planHash = planView(definition, source, entity).hash;
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      problems.push({
        code: error.code,
        message: `feature view "${definition.name}": ${error.message}`,
        details: error.details,
      });
    }
  }
  const stream = catalog.stream(definition.kind, definition.name);
  const before = stream === null ? null : newestVersion(stream.state);
  const applied = overlay(catalog, [...batch, definition]);
  const readers: Readers = {
    ...readersOf(applied),
    ofSource: (source) =>
      sourceReaders(source, [...applied.all(), ...computingOlder(catalog)], (other) =>
        lookupsOf(overlay(catalog, [...batch, other])),
      ),
  };
  const change =
    before === null || problems.length > 0
      ? null
      : diffDefinitions(before.definition, definition, readers);
  return { problems, change, planHash };
};
