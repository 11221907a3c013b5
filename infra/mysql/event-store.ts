/**
 * The registry's event store in MySQL: one row for each commit. One process appends at a time;
 * schema.ts says why.
 */
import {
  assertUnchanged,
  type Commit,
  type EventStore,
  type NewCommit,
  type StoredEvent,
} from '#domain/ports/event-store.ts';
import type { MysqlDatabase } from './database.ts';

interface CommitColumns {
  readonly position: number;
  readonly stream: string;
  readonly version: number;
  readonly body: string;
}

const COLUMNS = 'position, stream, version, body';
/** How often commits of other processes are polled. */
const POLL_MS = 100;

const toCommit = ({ position, stream, version, body }: CommitColumns): Commit => {
  const { command, events, refusal } = JSON.parse(body) as Omit<NewCommit, 'stream'>;
  return { stream, command, events, refusal, position: Number(position), version: Number(version) };
};

export const mysqlEventStore = (database: MysqlDatabase): EventStore => {
  const listeners = new Set<() => void>();
  /** the position that listeners were last called for */
  let announced = 0;
  let timer: NodeJS.Timeout | null = null;
  let isPolling = false;
  let heardAt = Date.now();

  const announce = (position: number): void => {
    if (position <= announced) return;
    announced = position;
    for (const listener of [...listeners]) listener();
  };
  const head = async (): Promise<number> =>
    Number(
      (await database.rows<{ position: number }>('SELECT position FROM registry_head'))[0]
        ?.position ?? 0,
    );
  const poll = (): void => {
    if (isPolling) return;
    isPolling = true;
    const at = Date.now();
    head()
      .then(
        (position) => {
          heardAt = at;
          announce(position);
        },
        () => {},
      )
      .finally(() => {
        isPolling = false;
      });
  };
  const stopPolling = (): void => {
    if (timer !== null) clearInterval(timer);
    timer = null;
  };

  return {
    async append(commit, expectedVersion, options) {
      const stored = await database.transaction(async ({ rows, run }) => {
        const [at] = await rows<{ position: number }>(
          'SELECT position FROM registry_head WHERE one = 1 FOR UPDATE',
        );
        const [newest] = await rows<{ version: number }>(
          'SELECT version FROM registry_commit WHERE stream = ? ORDER BY position DESC LIMIT 1',
          [commit.stream],
        );
        const current = Number(newest?.version ?? 0);
        const head = Number(at?.position ?? 0);
        assertUnchanged(commit.stream, { version: current, head }, expectedVersion, options);
        const { command, events, refusal, stream } = commit;
        const position = head + 1;
        const row = {
          position,
          stream,
          version: current + events.length,
          body: JSON.stringify({ command, events, refusal }),
        };
        await run(`INSERT INTO registry_commit (${COLUMNS}) VALUES (?, ?, ?, ?)`, [
          row.position,
          row.stream,
          row.version,
          row.body,
        ]);
        await run('UPDATE registry_head SET position = ? WHERE one = 1', [position]);
        return toCommit(row);
      });
      announce(stored.position);
      return stored;
    },
    async readStream(name) {
      const events: StoredEvent[] = [];
      const rows = await database.rows<CommitColumns>(
        `SELECT ${COLUMNS} FROM registry_commit WHERE stream = ? ORDER BY position`,
        [name],
      );
      for (const row of rows) events.push(...toCommit(row).events);
      return { version: events.length, events };
    },
    readAll: async (position, limit) =>
      (
        await database.rows<CommitColumns>(
          `SELECT ${COLUMNS} FROM registry_commit WHERE position > ? ORDER BY position LIMIT ${Math.trunc(limit)}`,
          [position],
        )
      ).map(toCommit),
    head,
    onCommit(listener) {
      listeners.add(listener);
      timer ??= setInterval(poll, POLL_MS).unref();
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) stopPolling();
      };
    },
    heardAt: () => heardAt,
    async close() {
      listeners.clear();
      stopPolling();
    },
  };
};
