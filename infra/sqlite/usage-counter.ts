/** How much of its quotas each key has used on its newest day: one row a key and quota. */
import type { UsageCounter } from '#domain/ports/usage-counter.ts';
import type { Database } from '#infra/sqlite/database.ts';

export const sqliteUsageCounter = ({ db }: Database): UsageCounter => {
  db.exec(
    'CREATE TABLE IF NOT EXISTS access_usage (id TEXT PRIMARY KEY, day INTEGER NOT NULL, used INTEGER NOT NULL)',
  );
  const add = db.prepare(
    `INSERT INTO access_usage (id, day, used) VALUES (?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET used = CASE WHEN day = excluded.day THEN used ELSE 0 END + excluded.used, day = excluded.day
     RETURNING used`,
  );
  return {
    async add(id, day, count) {
      return (add.get(id, day, count) as { used: number }).used;
    },
  };
};
