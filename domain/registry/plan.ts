/**
 * What applying a set of definitions would change. Pure: over the catalog's definitions, or over
 * those of an export.
 */
import type {
  MissingDefinition,
  PlannedChange,
  PlanOptions,
  PlanResult,
} from '#domain/api/registry.ts';
import { checkDuplicates } from '#domain/definitions/check.ts';
import { DEFAULT_NAMESPACE, type Definition } from '#domain/definitions/model.ts';
import type { Problem } from '#domain/errors.ts';
import { canonical } from '#domain/expressions/canonical.ts';
import { beingFilled } from './decide-generation.ts';
import { stillUsedProblem } from './decision.ts';
import { streamOf } from './events.ts';
import { factsOf } from './facts.ts';
import { NO_LIMITS, type PlatformLimits } from './platform-limits.ts';
import { downstreamOf, inDependencyOrder, upstreamOf } from './references.ts';
import { overlay, type Registered } from './registered.ts';
import { liveGeneration, newestVersion, type RegistryState } from './state.ts';

const idOf = ({ kind, name }: Pick<Definition, 'kind' | 'name'>): string => streamOf(kind, name);
const namespaceOf = ({ namespace }: Definition): string => namespace ?? DEFAULT_NAMESPACE;

/**
 * The registered definitions in the namespaces of the given ones that are not among them. Those of
 * other namespaces are not missing: other people's files have them.
 */
const missingFrom = (
  registered: Registered,
  definitions: readonly Definition[],
): readonly MissingDefinition[] => {
  const given = new Set(definitions.map(idOf));
  const namespaces = new Set(definitions.map(namespaceOf));
  const missing = overlay(registered, [])
    .all()
    .filter(
      (definition) => !given.has(idOf(definition)) && namespaces.has(namespaceOf(definition)),
    );
  const ids = new Set(missing.map(idOf));
  const kept = overlay(registered, definitions, ids).all();
  return [...inDependencyOrder(missing)].reverse().map((definition) => ({
    kind: definition.kind,
    name: definition.name,
    usedBy: downstreamOf(kept, idOf(definition)),
  }));
};

const retirement = ({ kind, name, usedBy }: MissingDefinition): PlannedChange => ({
  kind,
  name,
  action: 'retire',
  cost: 'none',
  fields: [],
  notes: [],
  problems: usedBy.length === 0 ? [] : [stillUsedProblem(`${kind} "${name}"`, usedBy)],
});

/** What becomes of a definition that is registered as it is given. */
const statusAction = (
  status: RegistryState['status'],
  wanted: 'active' | 'deprecated' | undefined,
): PlannedChange['action'] => {
  if (status === 'retired') return 'restore';
  if (wanted === undefined || wanted === status) return 'unchanged';
  return wanted === 'deprecated' ? 'deprecate' : 'restore';
};

const deprecatedIn = (registered: Registered): ReadonlySet<string> =>
  new Set(
    registered
      .streams()
      .filter(({ state }) => state.status === 'deprecated')
      .map(({ kind, name }) => streamOf(kind, name)),
  );

/** Whether a view's values have to be computed from its first event on, or go on after a pause. */
const needsEvents = (state: RegistryState | undefined): boolean =>
  state === undefined ||
  state.status === 'retired' ||
  (liveGeneration(state) ?? beingFilled(state)) === null;

/** @param limits what the platform cannot do; absent: it can do everything */
export const planDefinitions = (
  registered: Registered,
  definitions: readonly Definition[],
  { exported = [], prune = false }: PlanOptions = {},
  limits: PlatformLimits = NO_LIMITS,
): PlanResult => {
  const duplicates = checkDuplicates(definitions);
  const missing = missingFrom(registered, definitions);
  const retired = prune
    ? new Set(missing.map(({ kind, name }) => streamOf(kind, name)))
    : undefined;
  const deprecated = deprecatedIn(registered);
  const versions = new Map(
    exported.map(({ kind, name, version }) => [streamOf(kind, name), version]),
  );
  const statuses = new Map(
    exported.map(({ kind, name, status }) => [streamOf(kind, name), status]),
  );

  const limitProblems = (
    definition: Definition,
    state: RegistryState | undefined,
    isPlanned: boolean,
  ): readonly Problem[] => {
    const lacking =
      definition.kind === 'feature-view' && isPlanned && needsEvents(state)
        ? limits.lacksEvents(definition, null, definitions)
        : null;
    return [limits.unsupported(definition) ?? [], lacking ?? []].flat();
  };

  const planOne = (definition: Definition): PlannedChange => {
    const { kind, name } = definition;
    const facts = factsOf(registered, definition, {
      batch: definitions,
      assumed: definitions,
      versions,
      ...(retired === undefined ? {} : { retired }),
    });
    const stream = registered.stream(kind, name);
    const before = stream === null ? null : newestVersion(stream.state);
    const isSame =
      before !== null &&
      canonical(before.definition) === canonical(JSON.parse(JSON.stringify(definition)));
    const problems = [
      ...duplicates.filter((p) => p.details?.kind === kind && p.details.name === name),
      ...facts.problems,
      ...(isSame && stream?.state.status !== 'retired'
        ? []
        : limitProblems(definition, stream?.state, facts.planHash !== null)),
    ];
    const nothing = { kind, name, cost: 'none', fields: [], notes: [], problems } as const;
    const notes = upstreamOf(definition)
      .filter((id) => deprecated.has(id))
      .map((id) => `it reads ${id}, which is deprecated`);
    if (stream === null || before === null) return { ...nothing, action: 'create', notes };
    const action = statusAction(stream.state.status, statuses.get(streamOf(kind, name)));
    if (isSame) return { ...nothing, action, cost: action === 'unchanged' ? 'none' : 'compatible' };
    const { change } = facts;
    return {
      ...nothing,
      action: stream.state.status === 'retired' ? 'restore' : 'revise',
      cost: change?.cost ?? 'none',
      fields: change?.fields ?? [],
      notes: [...(change?.notes ?? []), ...notes],
    };
  };

  const changes = inDependencyOrder(definitions).map(planOne);
  return prune
    ? { changes: [...changes, ...missing.map(retirement)], missing: [] }
    : { changes, missing };
};
