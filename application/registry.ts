/**
 * Commands, plan and apply; the catalog and its lineage. Definitions are parsed once: a gateway has
 * parsed them already, and then `parseDefinition` returns them as they are.
 */
import { applyDefinitions, planDefinitions } from '#commands/apply.ts';
import type { CommandBus } from '#commands/command-bus.ts';
import { createCommandRequests } from '#commands/parse-command.ts';
import type { Registry } from '#domain/api/registry.ts';
import type { Definition } from '#domain/definitions/model.ts';
import { parseDefinition } from '#domain/definitions/parse.ts';
import { fail } from '#domain/errors.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { createRegistryQueries } from '#projections/catalog/entries.ts';
import type { Lineage } from '#projections/lineage/lineage.ts';
import type { Materializations } from './dependencies.ts';
import type { Generations } from './generations.ts';
import type { RegistryFollower } from './registry-follower.ts';

interface RegistryDependencies {
  readonly catalog: Catalog;
  readonly bus: CommandBus;
  readonly follower: Pick<RegistryFollower, 'settled' | 'settledWithFills'>;
  readonly generations: Generations;
  readonly materializations: Materializations;
  readonly sql: (view: string, version: number) => string | null;
  /** null: OpenLineage is off */
  readonly lineage: Pick<Lineage, 'events'> | null;
}

const parsed = (definitions: readonly Definition[]): readonly Definition[] =>
  definitions.map((definition) => parseDefinition(definition));

export const createRegistry = ({
  catalog,
  bus,
  follower,
  generations,
  materializations,
  sql,
  lineage,
}: RegistryDependencies): Registry => {
  const execute = createCommandRequests(bus);
  return {
    async command(request, caller) {
      const result = await execute(request, caller);
      await follower.settled();
      return result;
    },
    plan: async (definitions) => planDefinitions(catalog, parsed(definitions)),
    async apply(definitions, options, caller) {
      const result = await applyDefinitions(catalog, bus, parsed(definitions), options, caller);
      await follower.settledWithFills();
      return result;
    },
    ...createRegistryQueries({
      catalog,
      async materializations(view) {
        const live = generations.live(view);
        return live === null ? [] : materializations(view, live);
      },
      sql,
    }),
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
