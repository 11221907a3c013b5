/** What a decision on one stream needs to know of the others, by the kind of command. */
import type { Definition } from '#domain/definitions/model.ts';
import type { RegistryCommand } from '#domain/registry/commands.ts';
import type { DecisionContext } from '#domain/registry/decision.ts';
import { streamOf } from '#domain/registry/events.ts';
import { newestVersion, type RegistryState } from '#domain/registry/state.ts';
import { type Catalog, overlay } from '#projections/catalog/catalog.ts';
import { downstreamOf } from '#projections/catalog/references.ts';
import { factsOf } from './registering.ts';

/** Services that read just this version of a view. */
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
 * Whether what is decided rests on other streams than its own: the kinds that `decisionContext` has
 * something for.
 */
export const looksAtOthers = ({ type }: RegistryCommand): boolean =>
  type === 'Register' || type === 'Restore' || type === 'Retire' || type === 'RetireReplay';

export const decisionContext = (
  catalog: Catalog,
  state: RegistryState,
  command: RegistryCommand,
  stream: string,
  now: number,
  beside: readonly Definition[],
): DecisionContext => {
  const nothing: DecisionContext = {
    now,
    problems: [],
    change: null,
    planHash: null,
    dependents: [],
  };
  switch (command.type) {
    case 'Register':
      return { ...nothing, ...factsOf(catalog, command.definition, { beside, promised: [] }) };
    case 'Restore': {
      const newest = newestVersion(state);
      return newest === null
        ? nothing
        : { ...nothing, problems: factsOf(catalog, newest.definition).problems };
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
