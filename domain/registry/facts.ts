/**
 * The facts that a definition is registered or planned by: what is wrong with it, what it changes,
 * what it computes.
 */
import { checkDefinition } from '#domain/definitions/check.ts';
import type { Definition } from '#domain/definitions/model.ts';
import { MillraceError, type Problem } from '#domain/errors.ts';
import { planView } from '#domain/plan/plan-view.ts';
import type { Change, Readers } from './change.ts';
import { diffDefinitions } from './diff.ts';
import { streamOf } from './events.ts';
import { lookupsOf, readersOf } from './references.ts';
import { type CatalogDefinitions, overlay, type Registered } from './registered.ts';
import { sourceReaders } from './source-readers.ts';
import { liveGeneration, newestVersion } from './state.ts';

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
  /** the versions' numbers that the request names, by kind/name */
  readonly versions?: ReadonlyMap<string, number>;
  /** what the request retires, as kind/name: it does not count as a reader */
  readonly retired?: ReadonlySet<string>;
}

const NO_BATCH: BatchContext = { batch: [], assumed: [] };

/** The number of a definition's next version. @param wanted by an export; higher ones only */
export const nextVersion = (newest = 0, wanted = 0): number => Math.max(newest + 1, wanted);

/**
 * A pinned version must be registered and have the features that the service reads, or be the next
 * version and registered by the same request.
 */
const pinProblems = (
  catalog: Registered,
  definition: Definition,
  { assumed, versions: coming }: BatchContext,
): Problem[] => {
  if (definition.kind !== 'feature-service') return [];
  const details = { kind: definition.kind, name: definition.name };
  return definition.features.flatMap((member): Problem[] => {
    if (member.from !== 'view' || member.version === undefined) return [];
    const { view, version, features } = member;
    const versions =
      catalog.stream('feature-view', view)?.state.versions.map((v) => v.version) ?? [];
    const next = nextVersion(versions.at(-1), coming?.get(streamOf('feature-view', view)));
    if (version === next && assumed.some((d) => d.kind === 'feature-view' && d.name === view))
      return [];
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
const computingOlder = (catalog: Registered): readonly Definition[] =>
  catalog.streams('feature-view').flatMap(({ name, state }): readonly Definition[] => {
    const version = liveGeneration(state)?.version;
    if (version === undefined || version === newestVersion(state)?.version) return [];
    return [catalog.definition('feature-view', name, version) ?? []].flat();
  });

export const factsOf = (
  catalog: Registered,
  definition: Definition,
  context: BatchContext = NO_BATCH,
): Facts => {
  const { batch, assumed, retired } = context;
  const definitions = overlay(catalog, [...assumed, definition]);
  const problems = [
    ...checkDefinition(definition, lookupsOf(definitions)),
    ...pinProblems(catalog, definition, context),
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
  const applied = overlay(catalog, [...batch, definition], retired);
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
