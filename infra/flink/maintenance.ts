/**
 * Keeping the history's tables small on the stack: a batch job of Flink, beside the job that
 * appends. Both commit optimistically and one at a time (`FileLocks` in java), so neither loses
 * what the other has done, and the appending goes on.
 *
 * A table is due when so many commits have come since it was last looked at. One job does all that
 * are due.
 */

import { functionsSql } from '#domain/sql/flink/java-functions.ts';
import { loadTable, tableDirectory } from '#infra/iceberg/table-directory.ts';
import { openSession } from './sql-gateway.ts';

export interface MaintenanceLimits {
  /** days with at least so many files below `smallBytes` are rewritten */
  readonly minFiles: number;
  readonly smallBytes: number;
  /** rows of a table rewritten at once, at most about */
  readonly maxRows: number;
  /** snapshots that stay however old they are */
  readonly keepSnapshots: number;
  /** snapshots younger than this stay: who pinned one may read it for so long, ms */
  readonly keepSnapshotsMs: number;
}

export interface Maintained {
  readonly topic: string;
  readonly filesReplaced: number;
  readonly filesWritten: number;
  readonly snapshotsExpired: number;
}

/** As the embedded profile's. */
export const MAINTENANCE_LIMITS: MaintenanceLimits = {
  minFiles: 8,
  smallBytes: 32 * 1024 * 1024,
  maxRows: 1_000_000,
  keepSnapshots: 20,
  keepSnapshotsMs: 3_600_000,
};

/** Not one of the jobs that the registry wants and whose like it ends: this one ends by itself. */
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

/**
 * Which of these tables have had enough commits since they were last looked at. A look counts where
 * `looked` is called.
 */
export const dueTables = (root: string, everyCommits: number = EVERY_COMMITS) => {
  /** topic → the table's sequence number when it was maintained */
  const looked = new Map<string, number>();
  const sequence = async (topic: string): Promise<number | null> =>
    (await loadTable(tableDirectory(root, topic)))?.metadata['last-sequence-number'] ?? null;
  return {
    async due(topics: readonly string[]): Promise<readonly string[]> {
      const found: string[] = [];
      for (const topic of topics) {
        const at = await sequence(topic);
        if (at !== null && at - (looked.get(topic) ?? 0) >= everyCommits) found.push(topic);
      }
      return found;
    },
    async looked(topics: readonly string[]): Promise<void> {
      for (const topic of topics) looked.set(topic, (await sequence(topic)) ?? 0);
    },
  };
};

export interface KeepSmallOptions extends MaintenanceOptions {
  readonly topics: () => readonly string[];
  /** whether this process does it */
  readonly leads: () => boolean;
  readonly warn: (message: string) => void;
  readonly limits?: MaintenanceLimits;
  readonly everyCommits?: number;
  readonly pollMs?: number;
}

const POLL_MS = 15_000;

/**
 * Maintains the tables as they come due, until it is closed; a failure is said once until it
 * changes, and tried again.
 */
export const keepTablesSmall = (
  options: KeepSmallOptions,
): { readonly close: () => Promise<void> } => {
  const { root, topics, leads, warn, limits, everyCommits, pollMs } = options;
  const tables = dueTables(root, everyCommits);
  let said = '';
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
    await tables.looked(due);
  };
  const run = async (): Promise<void> => {
    for (await pause(); !closed; await pause()) {
      try {
        await turn();
        said = '';
      } catch (error) {
        const message = `the history's tables were not maintained: ${error instanceof Error ? error.message : String(error)}`;
        if (message !== said) warn(message);
        said = message;
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
