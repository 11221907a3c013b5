/**
 * A registry of its own: event store in memory, catalog and commands. A test can run code between a
 * decision and its append.
 */
import { applyDefinitions } from '#commands/apply.ts';
import { type CommandBus, createCommandBus } from '#commands/command-bus.ts';
import { createCommandRequests } from '#commands/parse-command.ts';
import type { ApplyOptions, ApplyResult, CommandResult, Registry } from '#domain/api/registry.ts';
import type { Definition } from '#domain/definitions/model.ts';
import { parseDefinition } from '#domain/definitions/parse.ts';
import type { EventStore } from '#domain/ports/event-store.ts';
import { REGISTER, type RegistryCommand } from '#domain/registry/commands.ts';
import { NO_LIMITS, type PlatformLimits } from '#domain/registry/platform-limits.ts';
import { streamTasks } from '#infra/embedded-engine/stream-tasks.ts';
import { hybridClock } from '#infra/shared/clock/hybrid-clock.ts';
import { openDatabase } from '#infra/sqlite/database.ts';
import { sqliteEventStore } from '#infra/sqlite/event-store.ts';
import { sqliteLog } from '#infra/sqlite/log.ts';
import { type Catalog, openCatalog } from '#projections/catalog/catalog.ts';

interface TestRegistry {
  readonly store: EventStore;
  readonly catalog: Catalog;
  readonly bus: CommandBus;
  readonly register: (
    definition: Definition,
    more?: { force?: boolean; reason?: string; expectedVersion?: number },
  ) => Promise<CommandResult>;
  readonly send: (type: string, data: unknown) => Promise<CommandResult>;
  readonly system: (command: Extract<RegistryCommand, { readonly view: string }>) => Promise<void>;
  readonly apply: (
    definitions: readonly Definition[],
    options?: ApplyOptions,
  ) => Promise<ApplyResult>;
  /**
   * A second writer on the same streams, as another process would be: its own catalog, its own
   * queue.
   */
  readonly another: () => Promise<{ readonly execute: Registry['command'] }>;
}

const caller = { actor: 'ann' };

export const testRegistry = async (
  wrap: (store: EventStore) => EventStore = (store) => store,
  limits: PlatformLimits = NO_LIMITS,
): Promise<TestRegistry> => {
  const database = openDatabase(':memory:');
  sqliteLog(database, hybridClock(), streamTasks);
  const plain = sqliteEventStore(database);
  const store = wrap(plain);
  const catalog = await openCatalog(store);
  let [time, ids] = [0, 0];
  const [now, newId] = [() => ++time, () => `c${++ids}`];
  const bus = createCommandBus({ eventStore: store, catalog, now, newId, limits });
  const execute = createCommandRequests(bus);
  return {
    store,
    catalog,
    bus,
    register: (definition, more = {}) =>
      execute({ type: REGISTER[definition.kind], data: definition, ...more }, caller),
    send: (type, data) => execute({ type, data }, caller),
    system: (command) => bus.system(command),
    apply: (definitions, options = {}) =>
      applyDefinitions(
        catalog,
        bus,
        definitions.map((definition) => parseDefinition(definition)),
        options,
        caller,
      ),
    another: async () => ({
      execute: createCommandRequests(
        createCommandBus({ eventStore: plain, catalog: await openCatalog(plain), now, newId }),
      ),
    }),
  };
};
