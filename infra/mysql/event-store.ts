/**
 * The registry's event store in MySQL: one row for each commit. One process appends at a time;
 * schema.ts says why.
 */
import { MillraceError } from '#domain/errors.ts';
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

const wentBack = (head: number, announced: number): MillraceError =>
  new MillraceError(
    'MR_DATA_MIXED',
    `The registry in MySQL ends at commit ${head}, and had commit ${announced}: the database is of an earlier time. Commands are refused. Put back the newer database, or stop the gateways and run \`millrace stack repair\`, which takes the missing commits from the topic registry.`,
    { head, announced },
  );

/** @param warn called once if the database is set back while this process runs */
export const mysqlEventStore = (
  database: MysqlDatabase,
  warn: (message: string) => void = () => {},
): EventStore => {
  const listeners = new Set<() => void>();
  /** the position that listeners were last called for */
  let announced = 0;
  let timer: NodeJS.Timeout | null = null;
  let isPolling = false;
  let heardAt = Date.now();
  let warned = false;

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
          if (position >= announced) {
            heardAt = at;
            announce(position);
          } else if (!warned) {
            warned = true;
            warn(wentBack(position, announced).message);
          }
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
      const known = announced;
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
        if (head < known) throw wentBack(head, known);
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
