/**
 * From a command to its events: load the stream, decide, append with the version that was decided
 * on. A refusal is appended too, as a commit without events, so that the audit log has it. A
 * command is answered once the catalog has read its commit: the caller sees its effect in the next
 * request.
 *
 * A decision on one stream may rest on facts of others (does the source exist, what depends on this
 * view), which no stream's version guards. So the commands of one process are decided one after the
 * other, each on a catalog that has read all commits before it. Where another process has committed
 * anything in between, such a decision is made again.
 */

import { type Caller, recordedCaller } from '#domain/api/caller.ts';
import type { CommandRequest, CommandResult, MayBreak } from '#domain/api/registry.ts';
import { neededApproval, type Requirements } from '#domain/approval/requirements.ts';
import { formatGrant } from '#domain/authorization/grants.ts';
import {
  decideKey,
  evolveKey,
  type KeyCommand,
  type KeyEvent,
  type KeyState,
  keyStream,
} from '#domain/authorization/keys.ts';
import type { Definition } from '#domain/definitions/model.ts';
import { hasCode, MillraceError, type Problem } from '#domain/errors.ts';
import type { CommandRecord, Commit, EventStore, StoredEvent } from '#domain/ports/event-store.ts';
import { REGISTRY_TOPIC } from '#domain/ports/topics.ts';
import type { RegistryCommand } from '#domain/registry/commands.ts';
import { decide } from '#domain/registry/decide.ts';
import type { RegistryEvent } from '#domain/registry/events.ts';
import { NO_LIMITS, type PlatformLimits } from '#domain/registry/platform-limits.ts';
import { evolve, initialState } from '#domain/registry/state.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { approvalOf, orNeedsApproval } from './approval-needs.ts';
import { decisionContext, needsOtherStreams } from './decision-context.ts';
import { recordedCommand, streamOfCommand } from './recorded-command.ts';

interface CommandBusDependencies {
  readonly eventStore: EventStore;
  readonly catalog: Catalog;
  readonly now: () => number;
  readonly newId: () => string;
  /** what needs approval; absent: nothing */
  readonly requirements?: () => Requirements;
  readonly limits?: PlatformLimits;
}

interface CommandOptions {
  readonly reason?: string;
  /** the version that the stream must have; absent: any */
  readonly expectedVersion?: number;
  /** the command's data as the caller sent them, for the audit log; absent: from the command */
  readonly data?: unknown;
  /** the definitions that are applied together with the command's, itself included */
  readonly batch?: readonly Definition[];
  readonly mayBreak?: MayBreak;
}

export interface CommandBus {
  /** What needs approval, as far as the catalog has read. */
  readonly requirements: () => Requirements;
  readonly limits: PlatformLimits;
  /** @throws the refusal, once it is stored */
  readonly execute: (
    command: RegistryCommand,
    options: CommandOptions,
    caller: Caller,
  ) => Promise<CommandResult>;
  /** Stores the refusal of a request that could not be parsed, then throws it. */
  readonly refuse: (request: CommandRequest, caller: Caller, problem: Problem) => Promise<never>;
  /** The platform's own commands. One that changes nothing makes no commit. */
  readonly system: (command: RegistryCommand) => Promise<void>;
  /** Stores what a caller did where there is nothing to decide, so that the audit log has it. */
  readonly record: (stream: string, done: RecordedAct) => Promise<void>;
  readonly key: (
    command: KeyCommand,
    by: { readonly caller: Caller; readonly reason?: string | undefined },
  ) => Promise<void>;
  /** A decision on a stream that is no definition's, on a catalog that has read all commits. */
  readonly decideOn: <E extends StoredEvent>(
    target: {
      readonly stream: string;
      readonly command: Pick<CommandRecord, 'type' | 'data'>;
      readonly reason?: string | undefined;
      /** @param events all events of the stream so far */
      readonly decide: (events: readonly E[], time: number) => Decision;
    },
    caller: Caller,
  ) => Promise<void>;
}

/** What a commit records of its command, without the id and the time that it is given then. */
type Recorded = Pick<CommandRecord, 'type' | 'data' | 'actor' | 'principal' | 'reason'>;

interface RecordedAct {
  readonly command: Recorded;
  readonly events: readonly StoredEvent[];
}

type Decision =
  | { readonly outcome: 'accepted'; readonly events: readonly StoredEvent[] }
  | { readonly outcome: 'refused'; readonly problem: Problem };

interface CommandEnvelope {
  readonly stream: string;
  readonly expectedVersion: number | null;
  readonly recorded: Recorded;
  /** @param events all events of the stream so far */
  readonly decide: (events: readonly StoredEvent[], time: number) => Decision;
  /** whether the decision rests on other streams too */
  readonly needsOtherStreams: boolean;
}

/** Every attempt but the last has lost a race to another process. */
const ATTEMPTS = 20;

const isConflict = (error: unknown): error is MillraceError =>
  hasCode(error, 'MR_VERSION_CONFLICT');

export const createCommandBus = ({
  eventStore,
  catalog,
  now,
  newId,
  requirements = () => new Map(),
  limits = NO_LIMITS,
}: CommandBusDependencies): CommandBus => {
  let queue: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(body: () => Promise<T>): Promise<T> => {
    const turn = queue.then(body);
    queue = turn.catch(() => {});
    return turn;
  };

  const recordOf = (recorded: Recorded, time = now()): CommandRecord => ({
    id: newId(),
    time,
    ...recorded,
  });

  const storeRefusal = async (
    stream: string,
    recorded: Recorded,
    { code, message, details }: Problem,
  ): Promise<never> => {
    await eventStore.append(
      { stream, command: recordOf(recorded), events: [], refusal: { code, message } },
      null,
    );
    throw new MillraceError(code, message, details ?? {});
  };

  /** The commit; null where nothing changes; or the problem that forbids it. */
  const attempt = async (envelope: CommandEnvelope): Promise<Commit | Problem | null> => {
    const { stream, expectedVersion, recorded } = envelope;
    await catalog.catchUp();
    const { version, events } = await eventStore.readStream(stream);
    if (expectedVersion !== null && expectedVersion !== version) {
      const message = `${stream} is at version ${version}, and the command expects ${expectedVersion}`;
      return { code: 'MR_VERSION_CONFLICT', message, details: { currentVersion: version } };
    }
    const time = now();
    const head = catalog.position();
    const decision = envelope.decide(events, time);
    if (decision.outcome === 'refused') return decision.problem;
    if (decision.events.length === 0) return null;
    const command = recordOf(recorded, time);
    const commit = { stream, command, events: decision.events, refusal: null };
    return eventStore.append(commit, version, envelope.needsOtherStreams ? { ifHead: head } : {});
  };

  /**
   * Decides again, on the new state, as long as other processes commit in between. A caller that
   * expects a version gets the conflict.
   */
  const attemptRepeatedly = async (envelope: CommandEnvelope): Promise<Commit | Problem | null> => {
    for (let n = 1; ; n++) {
      try {
        return await attempt(envelope);
      } catch (error) {
        if (!isConflict(error)) throw error;
        if (n === ATTEMPTS) return error;
      }
    }
  };

  const run = (envelope: CommandEnvelope): Promise<Commit | null> =>
    inTurn(async () => {
      const result = await attemptRepeatedly(envelope);
      if (result !== null && 'code' in result) {
        // The proposal that follows is the record.
        if (result.code === 'MR_APPROVAL_REQUIRED')
          throw new MillraceError(result.code, result.message, result.details ?? {});
        return storeRefusal(envelope.stream, envelope.recorded, result);
      }
      if (result !== null) await catalog.catchUp();
      return result;
    });

  const runRegistryCommand = (
    command: RegistryCommand,
    recorded: Recorded,
    caller: Caller | null,
    {
      expectedVersion = null,
      batch = [],
      mayBreak,
    }: Pick<CommandOptions, 'batch' | 'mayBreak'> & { readonly expectedVersion?: number | null },
  ): Promise<Commit | null> => {
    const stream = streamOfCommand(command);
    return run({
      stream,
      expectedVersion,
      recorded,
      decide(events, time) {
        const state = (events as readonly RegistryEvent[]).reduce(evolve, initialState);
        const args = [catalog, state, command, stream, time, batch, mayBreak, limits] as const;
        const context = decisionContext(...args);
        return orNeedsApproval(decide(state, command, context), caller, () =>
          approvalOf(catalog, requirements(), command, context.change),
        );
      },
      needsOtherStreams: needsOtherStreams(command),
    });
  };

  return {
    requirements,
    limits,
    async execute(command, { reason, data, ...options }, caller) {
      const recorded = {
        ...recordedCommand(command),
        ...(data === undefined ? {} : { data }),
        ...recordedCaller(caller),
        reason: reason ?? null,
      };
      const commit = await runRegistryCommand(command, recorded, caller, options);
      return {
        events: commit?.events ?? [],
        position: `${REGISTRY_TOPIC}@0:${commit?.position ?? catalog.position()}`,
      };
    },
    refuse({ type, data, reason = null }, caller, problem) {
      const recorded = { type, data: data ?? null, ...recordedCaller(caller), reason };
      return inTurn(() => storeRefusal('refused/unparsed', recorded, problem));
    },
    async system(command) {
      const recorded = { ...recordedCommand(command), actor: 'millrace', reason: null };
      await runRegistryCommand(command, recorded, null, {});
    },
    async record(stream, { command, events }) {
      await eventStore.append({ stream, command: recordOf(command), events, refusal: null }, null);
    },
    async key(command, { reason = null, caller }) {
      const { type, ...data } = command;
      // The event has the hash of the secret; the recorded command does not need it.
      const { hash: _, ...withoutHash } = { hash: '', ...data };
      const grants = 'grants' in withoutHash ? { grants: withoutHash.grants.map(formatGrant) } : {};
      await run({
        stream: keyStream(command.id),
        expectedVersion: null,
        recorded: { type, data: { ...withoutHash, ...grants }, ...recordedCaller(caller), reason },
        decide: (events, time) =>
          orNeedsApproval(
            decideKey(
              (events as readonly KeyEvent[]).reduce(evolveKey, null as KeyState | null),
              command,
              time,
            ),
            caller,
            () =>
              command.type === 'CreateKey'
                ? neededApproval(
                    requirements(),
                    'grants',
                    command.grants.map(({ namespace }) => namespace),
                  )
                : null,
          ),
        needsOtherStreams: command.type === 'CreateKey',
      });
    },
    async decideOn({ stream, command, reason = null, decide }, caller) {
      await run({
        stream,
        expectedVersion: null,
        recorded: { ...command, ...recordedCaller(caller), reason },
        decide: (events, time) => decide(events as never, time),
        needsOtherStreams: true,
      });
    },
  };
};
