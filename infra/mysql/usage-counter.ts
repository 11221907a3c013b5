/** The use of daily quotas in MySQL: one row for each quota of a key, of its newest day. */
import type { UsageCounter } from '#domain/ports/usage-counter.ts';
import type { MysqlDatabase } from './database.ts';

export const mysqlUsageCounter = (database: Pick<MysqlDatabase, 'transaction'>): UsageCounter => ({
  add: (id, day, count) =>
    database.transaction(async ({ run, rows }) => {
      await run(
        `INSERT INTO access_usage (id, day, used) VALUES (?, ?, ?)
         ON DUPLICATE KEY UPDATE used = IF(day = VALUES(day), used, 0) + VALUES(used), day = VALUES(day)`,
        [id, day, count],
      );
      const [row] = await rows<{ used: number }>('SELECT used FROM access_usage WHERE id = ?', [
        id,
      ]);
      return Number(row?.used ?? count);
    }),
});
