/** Checks everything in the embedded database: pages, checksums, gaps; deeply: every record. */
import type { DatabaseSync } from 'node:sqlite';
import type { Damage } from '#domain/api/verification.ts';
import { avroCodec } from '#domain/avro/codec.ts';
import { messageOf } from '#domain/error-message.ts';
import { isErased } from '#domain/ports/log.ts';
import { isFeaturesTopic, isRawTopic } from '#domain/ports/topics.ts';
import { decodeBatch } from '#infra/sqlite/batch-codec.ts';
import { checkedCommits } from '#infra/sqlite/event-store.ts';
import { type BatchRange, logReads, type PartitionRow } from '#infra/sqlite/log-tables.ts';
import { positionsUntil, sequencesUntil } from '#infra/sqlite/past-tables.ts';
import { checkedSchemas } from '#infra/sqlite/schema-registry.ts';

export interface DatabaseVerification {
  readonly records: number;
  readonly commits: number;
  readonly bytes: number;
  readonly withoutChecksum: number;
  readonly damage: readonly Damage[];
  /** ranges of offsets that are damaged or missing */
  readonly lostRanges: readonly LostRange[];
  readonly badPositions: readonly BadPosition[];
}

/** A consumer whose position is damaged. */
export interface BadPosition {
  readonly consumer: string;
  readonly topic: string;
}

/** Offsets [from, to) of a partition. */
export interface LostRange {
  readonly partition: PartitionRow;
  readonly from: number;
  readonly to: number;
}

const REPAIR_RAW = 'take its events from the history, if that has them';
const REPAIR_UPDATES = 'compute the view anew';

const repairOf = (topic: string): string | null =>
  isRawTopic(topic) ? REPAIR_RAW : isFeaturesTopic(topic) ? REPAIR_UPDATES : null;

/** The ranges of [begin, end) that no good batch covers. `good` is in the order of offsets. */
export const rangesBetween = (
  begin: number,
  end: number,
  good: readonly BatchRange[],
): readonly { readonly from: number; readonly to: number }[] => {
  const lost: { from: number; to: number }[] = [];
  let next = begin;
  for (const { base, count } of good) {
    if (base > next) lost.push({ from: next, to: base });
    next = Math.max(next, base + count);
  }
  if (next < end) lost.push({ from: next, to: end });
  return lost;
};

export interface VerifyOptions {
  readonly deep: boolean;
  readonly onProgress: (what: string) => void;
}

const COUNTS = `SELECT (SELECT count(*) FROM log_batch WHERE checksum IS NULL)
  + (SELECT count(*) FROM log_position WHERE checksum IS NULL)
  + (SELECT count(*) FROM log_producer WHERE checksum IS NULL)
  + (SELECT count(*) FROM registry_commit WHERE checksum IS NULL)
  + (SELECT count(*) FROM schema_text WHERE checksum IS NULL) AS n`;

export const verifyDatabase = (
  db: DatabaseSync,
  path: string,
  { deep, onProgress }: VerifyOptions,
): DatabaseVerification => {
  const damage: Damage[] = [];
  const lostRanges: LostRange[] = [];
  const badPositions: BadPosition[] = [];
  const note = (part: Damage['part'], what: string, error: unknown, repair: string | null): void =>
    void damage.push({ part, what, why: messageOf(error), repair });
  const attempt = (part: Damage['part'], what: string, check: () => void): void => {
    try {
      check();
    } catch (error) {
      note(part, what, error, null);
    }
  };

  onProgress('database: pages');
  attempt('database', path, () => {
    const rows = db.prepare(`PRAGMA ${deep ? 'integrity_check' : 'quick_check'}`).all() as {
      [name: string]: string;
    }[];
    for (const row of rows) {
      const text = Object.values(row)[0] ?? '';
      if (text !== 'ok') damage.push({ part: 'database', what: path, why: text, repair: null });
    }
  });

  let withoutChecksum = 0;
  attempt('database', path, () => {
    withoutChecksum = (db.prepare(COUNTS).get() as { n: number }).n;
  });

  const schemas = new Map<number, object>();
  onProgress('database: schemas');
  attempt('schemas', 'the schema registry', () => {
    for (const { id, schema } of checkedSchemas(db)) {
      if (schema instanceof Error) note('schemas', `schema ${id}`, schema, null);
      else schemas.set(id, schema);
    }
  });

  onProgress('database: registry');
  let commits = 0;
  attempt('registry', 'the registry', () => {
    for (const { position, error } of checkedCommits(db)) {
      commits++;
      if (error !== null) note('registry', `commit ${position} of the registry`, error, null);
    }
  });

  let records = 0;
  let bytes = 0;
  const codecs = new Map<number, ReturnType<typeof avroCodec>>();
  const decode = (schemaId: number, value: Uint8Array): void => {
    const schema = schemas.get(schemaId);
    if (schema === undefined) throw new Error(`the schema registry has no schema ${schemaId}`);
    const codec = codecs.get(schemaId) ?? avroCodec(schema);
    codecs.set(schemaId, codec);
    codec.fromBuffer(Buffer.from(value));
  };
  attempt('log', 'the log', () => {
    const reads = logReads(db);
    for (const partition of reads.partitions()) {
      const { topic, begin, end } = partition;
      onProgress(`log: ${topic}`);
      const good: BatchRange[] = [];
      for (const range of reads.ranges(partition)) {
        try {
          const batch = reads.exactBatch(partition, range.base);
          records += batch.count;
          bytes += batch.data.length;
          if (deep)
            for (const record of decodeBatch(batch, 0))
              if (!isErased(record)) decode(record.schemaId, record.value);
          good.push(range);
        } catch (error) {
          const what = `${topic}, partition ${partition.partition}, the batch at offset ${range.base}`;
          note('log', what, error, repairOf(topic));
        }
      }
      for (const lost of rangesBetween(begin, end, good)) {
        lostRanges.push({ partition, ...lost });
        const what = `${topic}, partition ${partition.partition}, offsets ${lost.from} to ${lost.to - 1}`;
        note('log', what, new Error('no undamaged batch has them'), repairOf(topic));
      }
    }
    onProgress('log: positions');
    for (const { consumer, topic, producer } of reads.keys())
      try {
        if (consumer !== null) reads.positions(consumer, topic);
        else if (producer !== null) reads.producer(producer, topic);
      } catch (error) {
        const what = `the position of ${consumer ?? producer} in ${topic}`;
        if (consumer !== null) badPositions.push({ consumer, topic });
        const isCompute = consumer?.startsWith('compute.') === true;
        note('log', what, error, isCompute ? REPAIR_UPDATES : null);
      }
  });
  attempt('log', 'the past of positions and sequences', () => {
    positionsUntil(db, Number.MAX_SAFE_INTEGER);
    sequencesUntil(db, Number.MAX_SAFE_INTEGER);
  });
  return { records, commits, bytes, withoutChecksum, damage, lostRanges, badPositions };
};
