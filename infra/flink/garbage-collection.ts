/**
 * Deletes data that no read can reach any more: the tiles of generations that were retired,
 * abandoned or failed, in the durable tier and in the cache, and the checkpoints and savepoints of
 * jobs that ended. It waits a while first, because a gateway that has not followed the registry yet
 * may still read them.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { WantedView } from '#domain/ports/engine.ts';
import type { CacheStore } from '#domain/ports/online-store.ts';
import type { JobStore } from './job-store.ts';
import { DATABASE, PAIMON_CATALOG, paimonTable } from './sql/names.ts';
import { catalogsSql } from './sql/tables.ts';
import { openSession } from './sql-gateway.ts';

type Gone = Pick<WantedView, 'view' | 'gone'>;

export interface GarbageCollectionOptions {
  readonly cache: CacheStore | null;
  /** URL of Flink's SQL Gateway */
  readonly gateway: string;
  readonly warehouse: { readonly paimon: string; readonly iceberg: string };
  readonly store: Pick<JobStore, 'left' | 'removeLeft'>;
  readonly now: () => number;
  /** how long after a generation was first seen to be gone its tiles are deleted, ms */
  readonly graceMs: number;
}

/**
 * A job that is starting may not be in the store yet, and one that was cancelled may still be
 * writing.
 */
const STATE_GRACE_MS = 3_600_000;
const POLL_MS = 60_000;

const listed = (directory: string): Promise<string[]> => readdir(directory).catch(() => []);

/** Called by the leader alone, while no job writes to what is gone. Usually nothing is due. */
export const garbageCollection = (
  options: GarbageCollectionOptions,
): ((views: readonly Gone[]) => Promise<void>) => {
  const { cache, gateway, warehouse, store, now, graceMs } = options;
  /** by table: when it was first seen to be gone, epoch ms; null: it is deleted */
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

  const dropTables = async (tables: readonly string[]): Promise<void> => {
    const there = new Set(await listed(join(warehouse.paimon, `${DATABASE}.db`)));
    const dropped = tables.filter((table) => there.has(table));
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

  const forgetGenerations = async (views: readonly Gone[]): Promise<void> => {
    const ended = due(views);
    if (ended.length === 0) return;
    await dropTables(ended.map(({ table }) => table));
    for (const { view, generation, table } of ended) {
      await cache?.drop(view, generation);
      since.set(table, null);
    }
  };

  const forgetStates = async (): Promise<void> => {
    if (now() - polledAt < POLL_MS) return;
    polledAt = now();
    for (const folder of store.left()) {
      const changed = await stat(folder).catch(() => null);
      if (changed === null || now() - changed.mtimeMs >= STATE_GRACE_MS) store.removeLeft(folder);
    }
  };

  return async (views) => {
    await forgetGenerations(views);
    await forgetStates();
  };
};
