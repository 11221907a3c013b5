/**
 * From a command to its events: load the stream, decide, append with the version that was decided
 * on. Refusals are appended too, without events, so that the audit knows them. An answer comes when
 * the catalog has taken the commit in: who commands may read at once.
 *
 * A decision on one stream may rest on facts of others (does the source exist, who depends on me),
 * which no stream's version guards. So the commands of one process are decided one after the other,
 * each on a catalog that has taken in all commits before it; and where another process has
 * committed anything since, such a decision is made again.
 */

import type { Caller } from '#domain/api/caller.ts';
import type { CommandRequest, CommandResult } from '#domain/api/registry.ts';
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
import { MillraceError, type Problem } from '#domain/errors.ts';
import type { CommandRecord, Commit, EventStore, StoredEvent } from '#domain/ports/event-store.ts';
import { REGISTRY_TOPIC } from '#domain/ports/topics.ts';
import type { RegistryCommand } from '#domain/registry/commands.ts';
import { decide } from '#domain/registry/decide.ts';
import type { RegistryEvent } from '#domain/registry/events.ts';
import { evolve, initialState } from '#domain/registry/state.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { decisionContext, looksAtOthers } from './decision-context.ts';
import { parseCommand } from './parse-command.ts';

export interface CommandBusDependencies {
  readonly eventStore: EventStore;
  readonly catalog: Catalog;
  readonly now: () => number;
  readonly newId: () => string;
}

export interface CommandBus {
  /**
   * @param beside what is applied together with a definition, this one included: who reads what is
   * asked of these
   */
  readonly execute: (
    request: CommandRequest,
    caller: Caller,
    beside?: readonly Definition[],
  ) => Promise<CommandResult>;
  /** The platform's own commands; they make no commit where they decide nothing. */
  readonly system: (command: RegistryCommand, stream: string) => Promise<void>;
  readonly key: (
    command: KeyCommand,
    by: { readonly actor: string; readonly reason?: string | undefined },
  ) => Promise<void>;
}

/** What of a command is known before its time. */
type Asked = Pick<CommandRecord, 'type' | 'data' | 'actor' | 'reason'>;

type Judged =
  | { readonly outcome: 'accepted'; readonly events: readonly StoredEvent[] }
  | { readonly outcome: 'refused'; readonly problem: Problem };

interface Order {
  readonly stream: string;
  readonly expectedVersion: number | null;
  readonly asked: Asked;
  /** what follows from the stream's events as they now are */
  readonly judge: (events: readonly StoredEvent[], time: number) => Judged;
  /** whether that rests on other streams too */
  readonly onOthers: boolean;
}

/**
 * Each attempt but the last was lost to a commit of another process: so many in a row are no race
 * any more.
 */
const ATTEMPTS = 20;

const isConflict = (error: unknown): error is MillraceError =>
  error instanceof MillraceError && error.code === 'MR_VERSION_CONFLICT';

export const createCommandBus = ({
  eventStore,
  catalog,
  now,
  newId,
}: CommandBusDependencies): CommandBus => {
  let queue: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(body: () => Promise<T>): Promise<T> => {
    const turn = queue.then(body);
    queue = turn.catch(() => {});
    return turn;
  };

  const record = (asked: Asked, time = now()): CommandRecord => ({ id: newId(), time, ...asked });

  const refuse = async (
    stream: string,
    asked: Asked,
    { code, message, details }: Problem,
  ): Promise<never> => {
    await eventStore.append(
      { stream, command: record(asked), events: [], refusal: { code, message } },
      null,
    );
    throw new MillraceError(code, message, details ?? {});
  };

  /** The commit; null where nothing changes; or the problem that forbids it. */
  const attempt = async ({
    stream,
    expectedVersion,
    asked,
    judge,
    onOthers,
  }: Order): Promise<Commit | Problem | null> => {
    await catalog.catchUp();
    const { version, events } = await eventStore.readStream(stream);
    if (expectedVersion !== null && expectedVersion !== version) {
      const message = `${stream} is at version ${version}, and the command expects ${expectedVersion}`;
      return { code: 'MR_VERSION_CONFLICT', message, details: { currentVersion: version } };
    }
    const time = now();
    const head = catalog.position();
    const decision = judge(events, time);
    if (decision.outcome === 'refused') return decision.problem;
    if (decision.events.length === 0) return null;
    const commit = { stream, command: record(asked, time), events: decision.events, refusal: null };
    return eventStore.append(commit, version, onOthers ? { ifHead: head } : {});
  };

  const judging = (
    command: RegistryCommand,
    stream: string,
    beside: readonly Definition[],
  ): Pick<Order, 'judge' | 'onOthers'> => ({
    judge(events, time) {
      const state = (events as readonly RegistryEvent[]).reduce(evolve, initialState);
      return decide(state, command, decisionContext(catalog, state, command, stream, time, beside));
    },
    onOthers: looksAtOthers(command),
  });

  /**
   * A race lost to another process: decided again on what is there now, which a caller who expects
   * a version gets to know.
   */
  const decided = async (order: Order): Promise<Commit | Problem | null> => {
    for (let n = 1; ; n++) {
      try {
        return await attempt(order);
      } catch (error) {
        if (!isConflict(error)) throw error;
        if (n === ATTEMPTS) return error;
      }
    }
  };

  const run = (order: Order): Promise<Commit | null> =>
    inTurn(async () => {
      const result = await decided(order);
      if (result !== null && 'code' in result) return refuse(order.stream, order.asked, result);
      if (result !== null) await catalog.catchUp();
      return result;
    });

  return {
    async execute(request, caller, beside = []) {
      const { type, data, reason = null, expectedVersion = null } = request;
      const asked = { type, data: data ?? null, actor: caller.actor, reason };
      let parsed: ReturnType<typeof parseCommand>;
      try {
        parsed = parseCommand(request, caller.actor);
      } catch (error) {
        if (!(error instanceof MillraceError)) throw error;
        return inTurn(() => refuse('refused/unparsed', asked, error));
      }
      const { command, stream } = parsed;
      const commit = await run({
        stream,
        expectedVersion,
        asked,
        ...judging(command, stream, beside),
      });
      return {
        events: commit?.events ?? [],
        position: `${REGISTRY_TOPIC}@0:${commit?.position ?? catalog.position()}`,
      };
    },
    async system(command, stream) {
      const { type, ...data } = command;
      const asked = { type, data, actor: 'millrace', reason: null };
      await run({ stream, expectedVersion: null, asked, ...judging(command, stream, []) });
    },
    async key(command, { reason = null, actor }) {
      const { type, ...data } = command;
      // The event has the hash; what was asked for is told without it.
      const { hash: _, ...told } = { hash: '', ...data };
      const grants = 'grants' in told ? { grants: told.grants.map(formatGrant) } : {};
      await run({
        stream: keyStream(command.id),
        expectedVersion: null,
        asked: { type, data: { ...told, ...grants }, actor, reason },
        judge: (events, time) =>
          decideKey(
            (events as readonly KeyEvent[]).reduce(evolveKey, null as KeyState | null),
            command,
            time,
          ),
        onOthers: false,
      });
    },
  };
};
