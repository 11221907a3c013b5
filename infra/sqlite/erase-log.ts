/**
 * Replaces records of the log by erased ones, which keep their offsets. A batch and the list of
 * what was erased in it change in one transaction, so an erasure that is killed can be run again.
 * No platform may run on the database.
 */
import type { DatabaseSync } from 'node:sqlite';
import { avroCodec } from '#domain/avro/codec.ts';
import { fail } from '#domain/errors.ts';
import { erasedRecord, isErased, type LogRecord } from '#domain/ports/log.ts';
import { decodeBatch, encodeBatches } from '#infra/sqlite/batch-codec.ts';
import type { Database } from '#infra/sqlite/database.ts';
import { type ErasureRows, erasureRows } from '#infra/sqlite/erased.ts';
import { logReads, logWrites } from '#infra/sqlite/log-tables.ts';
import { checkedSchemas } from '#infra/sqlite/schema-registry.ts';

export type DecodedRecord = Readonly<Record<string, unknown>>;

/** Whether a record is to be erased; null: no record of the topic is. */
export type RecordTest = ((record: LogRecord, decoded: DecodedRecord) => boolean) | null;

export interface FoundRecord {
  readonly record: LogRecord;
  readonly decoded: DecodedRecord;
}

const decoderOf = (db: DatabaseSync): ((record: LogRecord) => DecodedRecord) => {
  const schemas = new Map(checkedSchemas(db).map(({ id, schema }) => [id, schema]));
  const codecs = new Map<number, ReturnType<typeof avroCodec>>();
  return ({ schemaId, value }) => {
    const schema = schemas.get(schemaId);
    if (schema === undefined || schema instanceof Error)
      throw schema ?? new Error(`the schema registry has no schema ${schemaId}`);
    const codec = codecs.get(schemaId) ?? avroCodec(schema);
    codecs.set(schemaId, codec);
    return codec.fromBuffer(Buffer.from(value)) as DecodedRecord;
  };
};

/** The records of the log that a test holds for, in the order of topics and offsets. */
export function* findRecords(
  db: DatabaseSync,
  testOf: (topic: string) => RecordTest,
): Generator<FoundRecord> {
  const reads = logReads(db);
  const decode = decoderOf(db);
  for (const partition of reads.partitions()) {
    const test = testOf(partition.topic);
    if (test === null) continue;
    for (const { base } of reads.ranges(partition))
      for (const record of decodeBatch(reads.exactBatch(partition, base), 0)) {
        if (isErased(record)) continue;
        const decoded = decode(record);
        if (test(record, decoded)) yield { record, decoded };
      }
  }
}

/** @returns how many records were erased now */
export const eraseRecords = (
  database: Database,
  erasure: string,
  testOf: (topic: string) => RecordTest,
): number => {
  const { db } = database;
  const reads = logReads(db);
  const writes = logWrites(db);
  const rows: ErasureRows = erasureRows(db);
  const decode = decoderOf(db);
  let erased = 0;
  for (const partition of reads.partitions()) {
    const { topic, partition: number } = partition;
    const test = testOf(topic);
    if (test === null) continue;
    for (const { base } of reads.ranges(partition)) {
      const stored = reads.exactBatch(partition, base);
      const records = decodeBatch(stored, 0);
      const gone = new Set(
        records.flatMap((record) =>
          !isErased(record) && test(record, decode(record)) ? [record.offset] : [],
        ),
      );
      if (gone.size === 0) continue;
      const kept = records.map((record) =>
        gone.has(record.offset) ? erasedRecord(topic, number) : record,
      );
      database.transaction(() => {
        // It is one batch again: no record takes more bytes than before.
        for (const batch of encodeBatches(kept)) writes.replace(partition, { ...stored, ...batch });
        for (const offset of gone) rows.add(erasure, topic, number, offset);
      });
      erased += gone.size;
    }
  }
  return erased;
};

/**
 * Writes the database anew, without its free pages and its write-ahead log: no old byte stays.
 * @throws MR_REFUSED while another process reads it, because the write-ahead log stays so long
 */
export const dropFreeBytes = ({ db, path }: Database): void => {
  db.exec('PRAGMA secure_delete = ON');
  db.exec('VACUUM');
  const { busy } = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() as { busy: number };
  if (busy !== 0)
    fail(
      'MR_REFUSED',
      `another process reads ${path}, such as a backup: end it, and run the erasure again, which goes on where it was`,
    );
};
