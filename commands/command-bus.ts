/**
 * From a command to its events: load the stream, decide, append with the version that was decided on. Refusals are appended too, without
 * events, so that the audit knows them. An answer comes when the catalog has taken the commit in: who commands may read at once.
 */
import { MillraceError } from '#domain/errors.ts';
import type { Commit, EventStore } from '#domain/ports/event-store.ts';
import type { Caller, CommandRequest, CommandResult } from '#domain/ports/platform.ts';
import { REGISTRY_TOPIC } from '#domain/ports/topics.ts';
import type { RegistryCommand } from '#domain/registry/commands.ts';
import { type DecisionContext, decide } from '#domain/registry/decide.ts';
import type { RegistryEvent } from '#domain/registry/events.ts';
import { evolve, initialState } from '#domain/registry/state.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { overlay } from '#projections/catalog/catalog.ts';
import { downstreamOf } from '#projections/catalog/references.ts';
import { parseCommand } from './parse-command.ts';
import { factsOf } from './registering.ts';

export interface CommandBusDependencies {
  readonly eventStore: EventStore;
  readonly catalog: Catalog;
  readonly now: () => number;
  readonly newId: () => string;
}

export interface CommandBus {
  readonly execute: (request: CommandRequest, caller: Caller) => Promise<CommandResult>;
  /** The platform's own commands; they make no commit where they decide nothing. */
  readonly system: (command: RegistryCommand, stream: string) => Promise<void>;
}

const ATTEMPTS = 5;

export const createCommandBus = ({ eventStore, catalog, now, newId }: CommandBusDependencies): CommandBus => {
  const contextOf = (command: RegistryCommand, stream: string): DecisionContext => {
    const none = { problems: [], change: null, planHash: null };
    const facts = command.type === 'Register' ? factsOf(catalog, command.definition) : none;
    const dependents = command.type === 'Retire' ? downstreamOf(overlay(catalog, []).all(), stream) : [];
    return { now: now(), ...facts, dependents };
  };

  const attempt = async (
    command: RegistryCommand,
    stream: string,
    expectedVersion: number | undefined,
    record: { readonly type: string; readonly data: unknown; readonly actor: string; readonly reason: string | null },
  ): Promise<Commit | null> => {
    const { version, events } = await eventStore.readStream(stream);
    const state = (events as readonly RegistryEvent[]).reduce(evolve, initialState);
    const context = contextOf(command, stream);
    const commandRecord = { id: newId(), time: context.now, ...record };
    const conflict = expectedVersion !== undefined && expectedVersion !== version;
    const decision = conflict
      ? ({
          outcome: 'refused',
          problem: {
            code: 'MR_VERSION_CONFLICT',
            message: `${stream} is at version ${version}, and the command expects ${expectedVersion}`,
            details: { currentVersion: version },
          },
        } as const)
      : decide(state, command, context);
    if (decision.outcome === 'refused') {
      const { code, message, details } = decision.problem;
      await eventStore.append({ stream, command: commandRecord, events: [], refusal: { code, message } }, null);
      throw new MillraceError(code, message, details ?? {});
    }
    if (decision.events.length === 0) return null;
    return eventStore.append({ stream, command: commandRecord, events: decision.events, refusal: null }, version);
  };

  const run = async (...args: Parameters<typeof attempt>): Promise<Commit | null> => {
    for (let n = 1; ; n++) {
      try {
        const commit = await attempt(...args);
        if (commit !== null) await catalog.waitFor(commit.position);
        return commit;
      } catch (error) {
        // A race that the caller did not ask to know of is decided again on the new state.
        const raced = error instanceof MillraceError && error.code === 'MR_VERSION_CONFLICT' && args[2] === undefined;
        if (!raced || n === ATTEMPTS) throw error;
      }
    }
  };

  /** A command that does not even parse is refused, and known to the audit. */
  const parseOrRefuse = async (request: CommandRequest, caller: Caller): Promise<ReturnType<typeof parseCommand>> => {
    try {
      return parseCommand(request, caller.actor);
    } catch (error) {
      if (error instanceof MillraceError) {
        const command = {
          id: newId(),
          type: request.type,
          data: request.data ?? null,
          actor: caller.actor,
          reason: request.reason ?? null,
          time: now(),
        };
        await eventStore.append(
          { stream: 'refused/unparsed', command, events: [], refusal: { code: error.code, message: error.message } },
          null,
        );
      }
      throw error;
    }
  };

  return {
    async execute(request, caller) {
      const { command, stream } = await parseOrRefuse(request, caller);
      const record = { type: request.type, data: request.data, actor: caller.actor, reason: request.reason ?? null };
      const commit = await run(command, stream, request.expectedVersion, record);
      return { events: commit?.events ?? [], position: `${REGISTRY_TOPIC}@0:${commit?.position ?? catalog.position()}` };
    },
    async system(command, stream) {
      const { type, ...data } = command;
      await run(command, stream, undefined, { type, data, actor: 'millrace', reason: null });
    },
  };
};
