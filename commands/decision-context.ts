/** The facts of other streams that the decision on a command rests on. */
import type { MayBreak } from '#domain/api/registry.ts';
import type { Definition } from '#domain/definitions/model.ts';
import type { Problem } from '#domain/errors.ts';
import type { RegistryCommand } from '#domain/registry/commands.ts';
import type { DecisionContext } from '#domain/registry/decision.ts';
import { streamOf } from '#domain/registry/events.ts';
import { factsOf, hashOfPlan } from '#domain/registry/facts.ts';
import { NO_LIMITS, type PlatformLimits } from '#domain/registry/platform-limits.ts';
import { downstreamOf } from '#domain/registry/references.ts';
import { overlay } from '#domain/registry/registered.ts';
import { newestVersion, type RegistryState } from '#domain/registry/state.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';

/** The services that pin this version of a view. */
const pinning = (
  all: readonly Definition[],
  view: string,
  version: number | undefined,
): readonly string[] =>
  all
    .filter(
      (definition) =>
        definition.kind === 'feature-service' &&
        definition.features.some(
          (m) =>
            m.from === 'view' &&
            m.view === view &&
            m.version !== undefined &&
            m.version === version,
        ),
    )
    .map((definition) => streamOf(definition.kind, definition.name));

/**
 * Versions are compared by plans that are made now: the hash that a registration recorded may be of
 * an earlier release, or from before the source was revised.
 */
const planHashOf = (catalog: Catalog, state: RegistryState, version: number): string | null => {
  const definition = state.versions.find((v) => v.version === version)?.definition;
  return definition === undefined ? null : hashOfPlan(catalog, definition);
};

/** Whether the decision rests on other streams: for these types `decisionContext` adds facts, or
 * an approval may be required. */
export const needsOtherStreams = ({ type }: RegistryCommand): boolean =>
  type === 'Register' ||
  type === 'Restore' ||
  type === 'Retire' ||
  type === 'PromoteReplay' ||
  type === 'RetireReplay';

export const decisionContext = (
  catalog: Catalog,
  state: RegistryState,
  command: RegistryCommand,
  stream: string,
  now: number,
  batch: readonly Definition[],
  mayBreak: MayBreak = () => true,
  { lacksEvents, unsupported, partialReplays = true }: PlatformLimits = NO_LIMITS,
): DecisionContext => {
  const nothing: DecisionContext = {
    now,
    problems: [],
    change: null,
    unconsented: [],
    planHash: null,
    planHashOf: (version) => planHashOf(catalog, state, version),
    dependents: [],
    lacking: null,
  };
  const lackingOf = (definition: Definition, planHash: string | null): Problem | null =>
    definition.kind === 'feature-view' && planHash !== null ? lacksEvents(definition, null) : null;
  switch (command.type) {
    case 'Register': {
      const facts = factsOf(catalog, command.definition, { batch, assumed: [] });
      const unconsented = (facts.change?.broken ?? []).filter((id) => !mayBreak(id));
      const { definition } = command;
      const lacking = lackingOf(definition, facts.planHash);
      const problems = [...facts.problems, ...[unsupported(definition) ?? []].flat()];
      return { ...nothing, ...facts, problems, unconsented, lacking };
    }
    case 'StartReplay': {
      const newest = newestVersion(state)?.definition;
      return newest?.kind === 'feature-view'
        ? { ...nothing, lacking: lacksEvents(newest, command.range), partialReplays }
        : nothing;
    }
    case 'Restore': {
      const definition = newestVersion(state)?.definition;
      if (definition === undefined) return nothing;
      const { problems, planHash } = factsOf(catalog, definition);
      return { ...nothing, problems, lacking: lackingOf(definition, planHash) };
    }
    case 'Retire':
      return { ...nothing, dependents: downstreamOf(overlay(catalog, []).all(), stream) };
    case 'RetireReplay': {
      const version = state.generations.find((g) => g.generation === command.generation)?.version;
      return { ...nothing, dependents: pinning(overlay(catalog, []).all(), command.view, version) };
    }
    default:
      return nothing;
  }
};
