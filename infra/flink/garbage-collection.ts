/**
 * Deletes data that no read can reach any more: tiles of generations that were retired, abandoned
 * or failed, in the durable tier and in the cache tier, and the checkpoints and savepoints of jobs
 * that have ended. It waits a while before it deletes, because a gateway that has not followed the
 * registry yet may still read the data.
 */
import { type Directory, joinUri } from '#domain/ports/file-io.ts';
import type { CacheStore } from '#domain/ports/online-store.ts';
import { openSession } from '#infra/shared/flink/sql-gateway.ts';
import type { JobStore } from './job-store.ts';
import { DATABASE, PAIMON_CATALOG, paimonTable } from './sql/names.ts';
import { catalogsSql } from './sql/tables.ts';

/** A view's generations that no read uses any more. */
interface Gone {
  readonly view: string;
  readonly gone: readonly number[];
}

export interface GarbageCollectionOptions {
  readonly cache: CacheStore | null;
  /** URL of Flink's SQL Gateway */
  readonly gateway: string;
  readonly warehouse: { readonly paimon: string; readonly iceberg: string };
  /** the directory of Paimon's warehouse */
  readonly paimon: Directory;
  readonly jobStore: Pick<JobStore, 'unused' | 'deleteUnused'>;
  readonly now: () => number;
  /** from the moment when a generation is first seen to be gone until it is deleted, ms */
  readonly graceMs: number;
}

/**
 * A job that is being started is not in the store yet, and one that was cancelled may still be
 * writing.
 */
const STATE_GRACE_MS = 3_600_000;
const POLL_MS = 60_000;

/**
 * Called by the leader only, when no job writes to what is gone. Does nothing until something is
 * due.
 */
export const garbageCollection = (
  options: GarbageCollectionOptions,
): ((views: readonly Gone[]) => Promise<void>) => {
  const { cache, gateway, warehouse, paimon, jobStore, now, graceMs } = options;
  /** table → when it was first seen to be gone, epoch ms; null: it is deleted */
  const since = new Map<string, number | null>();
  let polledAt = 0;

  const due = (views: readonly Gone[]): { view: string; generation: number; table: string }[] =>
    views
      .flatMap(({ view, gone }) =>
        gone.map((generation) => ({ view, generation, table: paimonTable(view, generation) })),
      )
      .filter(({ table }) => {
        if (!since.has(table)) since.set(table, now());
        const seen = since.get(table) as number | null;
        return seen !== null && now() - seen >= graceMs;
      });

  /** Each Paimon table has its schemas in a directory of their own. */
  const exists = async (table: string): Promise<boolean> =>
    (await paimon.files.list(joinUri(paimon.uri, `${DATABASE}.db`, table, 'schema'))).length > 0;

  const dropTables = async (tables: readonly string[]): Promise<void> => {
    const dropped: string[] = [];
    for (const table of tables) if (await exists(table)) dropped.push(table);
    if (dropped.length === 0) return;
    const session = await openSession(gateway);
    try {
      for (const sql of catalogsSql(warehouse)) await session.run(sql);
      for (const table of dropped)
        await session.run(`DROP TABLE IF EXISTS ${PAIMON_CATALOG}.${DATABASE}.${table}`);
    } finally {
      await session.close();
    }
  };

  const deleteGenerations = async (views: readonly Gone[]): Promise<void> => {
    const ended = due(views);
    if (ended.length === 0) return;
    await dropTables(ended.map(({ table }) => table));
    for (const { view, generation, table } of ended) {
      await cache?.drop(view, generation);
      since.set(table, null);
    }
  };

  const deleteStates = async (): Promise<void> => {
    if (now() - polledAt < POLL_MS) return;
    polledAt = now();
    for (const { uri, since: unusedSince } of await jobStore.unused())
      if (now() - unusedSince >= STATE_GRACE_MS) await jobStore.deleteUnused(uri);
  };

  return async (views) => {
    await deleteGenerations(views);
    await deleteStates();
  };
};
