/** The owner of each producer id on each source, in a table of its own. */
import type { ProducerOwners } from '#domain/ports/producer-owners.ts';
import type { Database } from '#infra/sqlite/database.ts';

export const sqliteProducerOwners = ({ db }: Database): ProducerOwners => {
  db.exec(
    `CREATE TABLE IF NOT EXISTS producer_owner (
       source TEXT NOT NULL, producer TEXT NOT NULL, owner TEXT NOT NULL,
       PRIMARY KEY (source, producer)
     ) WITHOUT ROWID`,
  );
  const claim = db.prepare(
    `INSERT INTO producer_owner (source, producer, owner) VALUES (?1, ?2, ?3)
     ON CONFLICT DO UPDATE SET
       owner = CASE WHEN owner IN (SELECT value FROM json_each(?4)) THEN excluded.owner ELSE owner END
     RETURNING owner`,
  );
  const find = db.prepare('SELECT owner FROM producer_owner WHERE source = ? AND producer = ?');
  return {
    async claim(source, producer, principal, replaced) {
      const row = claim.get(source, producer, principal, JSON.stringify(replaced));
      return (row as { owner: string }).owner;
    },
    async owner(source, producer) {
      const row = find.get(source, producer) as { owner: string } | undefined;
      return row?.owner ?? null;
    },
  };
};
