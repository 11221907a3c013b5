/**
 * Table maintenance on the stack: a batch job of Flink, next to the job that appends. Both commit
 * optimistically and one at a time (`FileLocks` in java), so neither loses what the other has done,
 * and appending continues.
 *
 * At each look, the checksums of files that Flink has committed since are noted.
 *
 * A table is due after a number of commits since it was last maintained. One job maintains all
 * tables that are due.
 */
import { messageOf } from '#domain/error-message.ts';
import type { Directory } from '#domain/ports/file-io.ts';
import { functionsSql } from '#domain/sql/flink/java-functions.ts';
import { locationOf } from '#infra/shared/files/hadoop-location.ts';
import { openSession } from '#infra/shared/flink/sql-gateway.ts';
import { notedChecksums } from '#infra/shared/iceberg/noted-checksums.ts';
import { loadTable, tableDirectory } from '#infra/shared/iceberg/table-directory.ts';

export interface MaintenanceLimits {
  /** days with at least this many files below `smallBytes` are rewritten */
  readonly minFiles: number;
  readonly smallBytes: number;
  /** approximate limit of the rows of a table that are rewritten at once */
  readonly maxRows: number;
  /** this many snapshots stay, however old they are */
  readonly keepSnapshots: number;
  /** snapshots younger than this stay, because a read may have pinned one; ms */
  readonly keepSnapshotsMs: number;
}

export interface Maintained {
  readonly topic: string;
  readonly filesReplaced: number;
  readonly filesWritten: number;
  readonly snapshotsExpired: number;
}

/** The same as the embedded profile's. */
export const MAINTENANCE_LIMITS: MaintenanceLimits = {
  minFiles: 8,
  smallBytes: 32 * 1024 * 1024,
  maxRows: 1_000_000,
  keepSnapshots: 20,
  keepSnapshotsMs: 3_600_000,
};

/** Not among the jobs that follow the registry: this one ends by itself. */
const JOB = 'maintain-history';
const EVERY_COMMITS = 60;
const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;

export interface MaintenanceOptions {
  readonly gateway: string;
  /** the directory of Iceberg's tables */
  readonly tables: Directory;
}

export const maintainTables = async (
  { gateway, tables }: MaintenanceOptions,
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
LATERAL TABLE(MR_MAINTAIN(${text(locationOf(tables.uri))}, topic, ${minFiles}, ${long(smallBytes)}, ${long(maxRows)}, ${keepSnapshots}, ${long(keepSnapshotsMs)}))`;
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
const dueTables = (tables: Directory, everyCommits: number = EVERY_COMMITS) => {
  /** topic → the table's sequence number when it was maintained */
  const sequences = new Map<string, number>();
  const sequence = async (topic: string): Promise<number | null> =>
    (await loadTable(tableDirectory(tables, topic)))?.metadata['last-sequence-number'] ?? null;
  return {
    async due(topics: readonly string[]): Promise<readonly string[]> {
      const found: string[] = [];
      for (const topic of topics) {
        const at = await sequence(topic);
        if (at !== null && at - (sequences.get(topic) ?? 0) >= everyCommits) found.push(topic);
      }
      return found;
    },
    async maintained(topics: readonly string[]): Promise<void> {
      for (const topic of topics) sequences.set(topic, (await sequence(topic)) ?? 0);
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
 * Maintains the tables when they are due, until it is closed. It retries after a failure, and warns
 * once for each different one.
 */
export const keepTablesSmall = (
  options: KeepSmallOptions,
): { readonly close: () => Promise<void> } => {
  const { tables, topics, leads, warn, limits, everyCommits, pollMs } = options;
  const { due: dueOf, maintained } = dueTables(tables, everyCommits);
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
  const checksums = notedChecksums(tables);
  /** A table that cannot be read does not keep the others from it. */
  const noteChecksums = async (): Promise<void> => {
    for (const topic of topics()) await checksums.note(topic).catch(() => 0);
  };
  const turn = async (): Promise<void> => {
    if (leads()) await noteChecksums();
    const due = leads() ? await dueOf(topics()) : [];
    if (due.length === 0) return;
    await maintainTables(options, due, limits);
    await maintained(due);
  };
  const run = async (): Promise<void> => {
    for (await pause(); !closed; await pause()) {
      try {
        await turn();
        lastWarning = '';
      } catch (error) {
        const message = `the history's tables were not maintained: ${messageOf(error)}`;
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
