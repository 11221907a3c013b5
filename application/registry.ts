/**
 * Commands, plan and apply; the catalog and its lineage. Definitions are parsed once: a gateway has
 * parsed them already, and then `parseDefinition` returns them as they are.
 */
import { applyDefinitions } from '#commands/apply.ts';
import type { CommandBus } from '#commands/command-bus.ts';
import { createCommandRequests } from '#commands/parse-command.ts';
import type { CommandResult, Registry } from '#domain/api/registry.ts';
import type { DatasetManifest } from '#domain/datasets/manifest.ts';
import type { Definition, Kind } from '#domain/definitions/model.ts';
import { parseDefinition } from '#domain/definitions/parse.ts';
import { fail } from '#domain/errors.ts';
import type { EventStore } from '#domain/ports/event-store.ts';
import { planDefinitions } from '#domain/registry/plan.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { createRegistryQueries } from '#projections/catalog/entries.ts';
import { createPastRegistry, registryPosition } from '#projections/catalog/past-registry.ts';
import { registryExport } from '#projections/catalog/registry-export.ts';
import type { Lineage } from '#projections/lineage/lineage.ts';
import type { Proposals } from './approvals/proposals.ts';
import type { Materializations } from './dependencies.ts';
import type { Generations } from './generations.ts';
import type { RegistryFollower } from './registry-follower.ts';

interface RegistryDependencies {
  readonly catalog: Catalog;
  readonly eventStore: Pick<EventStore, 'readAll'>;
  readonly bus: CommandBus;
  readonly proposals: Proposals;
  readonly follower: Pick<RegistryFollower, 'settled' | 'settledWithFills'>;
  readonly generations: Generations;
  readonly materializations: Materializations;
  readonly sql: (view: string, version: number) => string | null;
  readonly datasets: () => readonly DatasetManifest[];
  /** null: OpenLineage is off */
  readonly lineage: Pick<Lineage, 'events'> | null;
}

const parsed = (definitions: readonly Definition[]): readonly Definition[] =>
  definitions.map((definition) => parseDefinition(definition));

/** The view that a command restored; null: it restored none. */
const restoredView = ({ events }: CommandResult): string | null => {
  const restored = events.find(({ type }) => type === 'DefinitionRestored');
  const { kind, name } = (restored?.data ?? {}) as { readonly kind?: Kind; readonly name?: string };
  return kind === 'feature-view' && name !== undefined ? name : null;
};

export const createRegistry = ({
  catalog,
  eventStore,
  bus,
  proposals,
  follower,
  generations,
  materializations,
  sql,
  datasets,
  lineage,
}: RegistryDependencies): Registry => {
  const execute = createCommandRequests(bus);
  const present = createRegistryQueries({
    catalog,
    async materializations(view) {
      const live = generations.live(view);
      return live === null ? [] : materializations(view, live);
    },
    sql,
    datasets,
  });
  const pastRegistry = createPastRegistry({ eventStore, catalog, datasets });
  const queries = async (asOf: string | undefined): Promise<typeof present> => {
    if (asOf === undefined) return present;
    const past = await pastRegistry(asOf);
    return createRegistryQueries({ catalog: past.catalog, datasets: () => past.datasets });
  };
  return {
    async command(request, caller) {
      const { mayBreak: _, ...command } = request;
      const result = await proposals.orPropose(
        () => execute(request, caller),
        () => ({ type: 'command', command }),
        { caller, reason: request.reason },
      );
      const view = restoredView(result);
      await (view === null ? follower.settled() : follower.settledWithFills([view]));
      return result;
    },
    plan: async (definitions, options) =>
      planDefinitions(catalog, parsed(definitions), options, bus.limits),
    async apply(definitions, options, caller) {
      const { mayBreak: _, ...proposed } = options;
      const result = await proposals.orPropose(
        () => applyDefinitions(catalog, bus, parsed(definitions), options, caller),
        () => ({ type: 'apply', definitions: parsed(definitions), options: proposed }),
        { caller, reason: options.reason },
      );
      const restored = result.changes.filter(({ action }) => action === 'restore');
      await follower.settledWithFills(restored.map(({ name }) => name));
      return result;
    },
    exported: async () => registryExport(catalog),
    position: async () => registryPosition(catalog.position()),
    list: async (kind, _caller, asOf) => (await queries(asOf)).list(kind),
    show: async (kind, name, version, _caller, asOf) =>
      (await queries(asOf)).show(kind, name, version),
    search: async (text, _caller, asOf) => (await queries(asOf)).search(text),
    datasets: async (_caller, asOf) => (await queries(asOf)).datasets(),
    lineage: async (name, _caller, asOf) => (await queries(asOf)).lineage(name),
    async lineageEvents({ after = 0, limit = 100 }) {
      if (lineage === null)
        return fail(
          'MR_REFUSED',
          'no OpenLineage events are kept: start with `millrace serve --openlineage URL`, or with `log`',
          {},
        );
      const { records, next } = await lineage.events(after, limit);
      return { events: records.map(({ event }) => JSON.parse(event) as unknown), next };
    },
  };
};
