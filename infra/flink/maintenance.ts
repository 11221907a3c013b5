/**
 * Table maintenance of the history on the stack: a batch job of Flink, next to the job that appends.
 * Both commit optimistically and one at a time (`FileLocks` in java), so neither loses the other's
 * commits, and appending goes on.
 *
 * A table is due after a number of commits since its last maintenance. One job maintains all tables
 * that are due.
 */
import { loadTable, tableDirectory } from '#infra/iceberg/table-directory.ts';
import { functionsSql } from './sql/functions.ts';
import { openSession } from './sql-gateway.ts';

export interface MaintenanceLimits {
  /** days with at least this many files below `smallBytes` are rewritten */
  readonly minFiles: number;
  readonly smallBytes: number;
  /** about the most rows of a table that are rewritten at once */
  readonly maxRows: number;
  /** the newest snapshots are kept however old they are */
  readonly keepSnapshots: number;
  /** ms: younger snapshots are kept, so that a reader may use a pinned one for that long */
  readonly keepSnapshotsMs: number;
}

export interface Maintained {
  readonly topic: string;
  readonly filesReplaced: number;
  readonly filesWritten: number;
  readonly snapshotsExpired: number;
}

/** The same as in the embedded profile. */
export const MAINTENANCE_LIMITS: MaintenanceLimits = {
  minFiles: 8,
  smallBytes: 32 * 1024 * 1024,
  maxRows: 1_000_000,
  keepSnapshots: 20,
  keepSnapshotsMs: 3_600_000,
};

/** Without the prefix of the jobs that the engine discards when unwanted: this one ends by itself. */
const JOB = 'maintain-history';
const EVERY_COMMITS = 60;
const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;

export interface MaintenanceOptions {
  readonly gateway: string;
  /** the directory of Iceberg's tables */
  readonly root: string;
}

export const maintainTables = async (
  { gateway, root }: MaintenanceOptions,
  topics: readonly string[],
  limits: MaintenanceLimits = MAINTENANCE_LIMITS,
): Promise<readonly Maintained[]> => {
  if (topics.length === 0) return [];
  const session = await openSession(gateway, {
    'execution.runtime-mode': 'batch',
    'parallelism.default': '1',
    'pipeline.name': `${JOB} ${topics.length === 1 ? topics[0] : `${topics.length} tables`}`,
  });
  const { minFiles, smallBytes, maxRows, keepSnapshots, keepSnapshotsMs } = limits;
  const long = (value: number): string => `CAST(${value} AS BIGINT)`;
  try {
    const sql = `SELECT topic, replaced, written, expired FROM (VALUES ${topics.map((topic) => `(${text(topic)})`).join(', ')}) AS due(topic),
LATERAL TABLE(MR_MAINTAIN(${text(`file://${root}`)}, topic, ${minFiles}, ${long(smallBytes)}, ${long(maxRows)}, ${keepSnapshots}, ${long(keepSnapshotsMs)}))`;
    for (const setup of functionsSql([sql])) await session.run(setup);
    const rows = await session.run(sql);
    return rows.map(([topic, replaced, written, expired]) => ({
      topic: topic as string,
      filesReplaced: Number(replaced),
      filesWritten: Number(written),
      snapshotsExpired: Number(expired),
    }));
  } finally {
    await session.close();
  }
};

/** Which tables have had enough commits since `maintained` was last called for them. */
export const dueTables = (root: string, everyCommits: number = EVERY_COMMITS) => {
  /** topic → the table's sequence number when it was maintained */
  const maintainedAt = new Map<string, number>();
  const sequence = async (topic: string): Promise<number | null> =>
    (await loadTable(tableDirectory(root, topic)))?.metadata['last-sequence-number'] ?? null;
  return {
    async due(topics: readonly string[]): Promise<readonly string[]> {
      const found: string[] = [];
      for (const topic of topics) {
        const at = await sequence(topic);
        if (at !== null && at - (maintainedAt.get(topic) ?? 0) >= everyCommits) found.push(topic);
      }
      return found;
    },
    async maintained(topics: readonly string[]): Promise<void> {
      for (const topic of topics) maintainedAt.set(topic, (await sequence(topic)) ?? 0);
    },
  };
};

export interface KeepSmallOptions extends MaintenanceOptions {
  readonly topics: () => readonly string[];
  /** whether this process maintains the tables */
  readonly leads: () => boolean;
  readonly warn: (message: string) => void;
  readonly limits?: MaintenanceLimits;
  readonly everyCommits?: number;
  readonly pollMs?: number;
}

const POLL_MS = 15_000;

/**
 * Maintains tables as they become due, until it is closed. A failure is reported once until its
 * message changes, and the work is tried again.
 */
export const keepTablesSmall = (
  options: KeepSmallOptions,
): { readonly close: () => Promise<void> } => {
  const { root, topics, leads, warn, limits, everyCommits, pollMs } = options;
  const tables = dueTables(root, everyCommits);
  let lastWarning = '';
  let closed = false;
  let wake: (() => void) | null = null;
  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, pollMs ?? POLL_MS);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const turn = async (): Promise<void> => {
    const due = leads() ? await tables.due(topics()) : [];
    if (due.length === 0) return;
    await maintainTables(options, due, limits);
    await tables.maintained(due);
  };
  const run = async (): Promise<void> => {
    for (await pause(); !closed; await pause()) {
      try {
        await turn();
        lastWarning = '';
      } catch (error) {
        const message = `the history's tables were not maintained: ${error instanceof Error ? error.message : String(error)}`;
        if (message !== lastWarning) warn(message);
        lastWarning = message;
      }
    }
  };
  const running = run();
  return {
    async close() {
      closed = true;
      wake?.();
      await running;
    },
  };
};
