/** The moment that a time or a position names, for a restore that ends there. */
import { MillraceError } from '#domain/errors.ts';
import { REGISTRY_TOPIC } from '#domain/ports/topics.ts';
import type { Position } from '#domain/values/value.ts';
import type { Cut } from '#infra/sqlite/cut-database.ts';
import { openForReading } from '#infra/sqlite/database.ts';
import { logReads } from '#infra/sqlite/log-tables.ts';
import { commitsOf } from '#infra/sqlite/registry-rows.ts';

const notThere = (topic: string, { partition, offset }: Position): never => {
  throw new MillraceError(
    'MR_NOT_FOUND',
    `The backup has no position ${topic}@${partition}:${offset}: \`millrace backup list\` shows how far each backup reaches.`,
    { topic, partition, offset },
  );
};

/**
 * The moment after the last of the records below these positions; for the topic `registry`, after
 * its commit of that number.
 * @throws MR_NOT_FOUND
 */
export const momentOfPosition = (
  path: string,
  topic: string,
  positions: readonly Position[],
): Cut => {
  const db = openForReading(path);
  try {
    if (topic === REGISTRY_TOPIC) {
      const [position] = positions as readonly [Position];
      for (const commit of commitsOf(db))
        if (commit.position === position.offset)
          return { logTime: commit.command.time, registry: commit.position };
      return notThere(topic, position);
    }
    const reads = logReads(db);
    const partitions = reads.partitionsOf(topic);
    const times = positions.map((position) => {
      const { partition, offset } = position;
      const found = partitions[partition];
      if (found === undefined || offset > found.end) return notThere(topic, position);
      if (offset <= found.begin) return null;
      return reads.batch(found, offset - 1)?.logTime ?? null;
    });
    const newest = times.reduce((a, b) => (b === null ? a : Math.max(a ?? b, b)), null);
    return newest === null
      ? notThere(topic, positions[0] as Position)
      : { logTime: newest, registry: null };
  } finally {
    db.close();
  }
};
