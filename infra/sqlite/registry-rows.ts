/** The registry's commits as they are stored, over any connection. */
import type { DatabaseSync } from 'node:sqlite';
import type { Commit } from '#domain/ports/event-store.ts';
import { damaged } from '#infra/sqlite/checksums.ts';
import { type CommitColumns, toCommit } from '#infra/sqlite/event-store.ts';

/**
 * All of them, in their order.
 * @throws MR_DATA_DAMAGED
 */
export function* commitsOf(db: DatabaseSync): Generator<Commit> {
  const rows = db
    .prepare(
      'SELECT position, stream, version, body, checksum FROM registry_commit ORDER BY position',
    )
    .iterate();
  let expected = 1;
  for (const row of rows as Iterable<unknown> as Iterable<CommitColumns>) {
    if (row.position !== expected)
      damaged(`the registry's commit at position ${expected}`, 'it is missing');
    yield toCommit(row);
    expected++;
  }
}
