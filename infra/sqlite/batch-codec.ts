/**
 * The bytes of one batch: its records one after another, each
 *
 *     varint(key bytes + 1; 0: null)  varint(schema id)  varint(value bytes)  key (UTF-8)  value
 *
 * Offsets and log time are in the batch's row, so a record takes three bytes more than its content.
 * Few records have headers, so they are in a column of their own: null where no record has any,
 * else JSON, from the record's index in the batch to its headers. A decoded value is a view into
 * the batch's bytes: keeping one record keeps its batch in memory.
 */
import type { Headers, LogRecord, OutgoingRecord } from '#domain/ports/log.ts';

/** A batch ends when it reaches this size; a record larger than this gets its own batch. */
export const MAX_BATCH_BYTES = 4 * 1024 * 1024;

const MAX_HEADER = 15;

/** Upper bound of a record's encoded size (a UTF-16 unit takes at most three bytes). */
const bound = (record: OutgoingRecord): number =>
  MAX_HEADER + record.value.length + (record.key === null ? 0 : record.key.length * 3);

const varint = (into: Buffer, at: number, value: number): number => {
  let rest = value;
  let p = at;
  while (rest > 127) {
    into[p++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  into[p++] = rest;
  return p;
};

export interface EncodedBatch {
  readonly count: number;
  readonly data: Uint8Array;
  readonly headers: string | null;
}

type HeadersByIndex = Readonly<Record<number, Headers>>;

const encodeRun = (
  records: readonly OutgoingRecord[],
  from: number,
  to: number,
  size: number,
): EncodedBatch => {
  const buffer = Buffer.allocUnsafe(size);
  let p = 0;
  let headers: Record<number, Headers> | null = null;
  for (let i = from; i < to; i++) {
    const { key, schemaId, value, headers: own } = records[i] as OutgoingRecord;
    if (own !== undefined) (headers ??= {})[i - from] = own;
    const keyBytes = key === null ? 0 : Buffer.byteLength(key);
    p = varint(buffer, p, key === null ? 0 : keyBytes + 1);
    p = varint(buffer, p, schemaId);
    p = varint(buffer, p, value.length);
    if (key !== null) p += buffer.write(key, p, keyBytes, 'utf8');
    buffer.set(value, p);
    p += value.length;
  }
  return {
    count: to - from,
    data: buffer.subarray(0, p),
    headers: headers === null ? null : JSON.stringify(headers),
  };
};

export const encodeBatches = (records: readonly OutgoingRecord[]): readonly EncodedBatch[] => {
  const batches: EncodedBatch[] = [];
  let from = 0;
  let size = 0;
  for (let i = 0; i < records.length; i++) {
    const bytes = bound(records[i] as OutgoingRecord);
    if (i > from && size + bytes > MAX_BATCH_BYTES) {
      batches.push(encodeRun(records, from, i, size));
      from = i;
      size = 0;
    }
    size += bytes;
  }
  if (from < records.length) batches.push(encodeRun(records, from, records.length, size));
  return batches;
};

export interface StoredBatch {
  readonly topic: string;
  readonly partition: number;
  readonly base: number;
  readonly count: number;
  readonly logTime: number;
  readonly data: Uint8Array;
  readonly headers: string | null;
}

/** The batch's records with offset ≥ `from`. */
export const decodeBatch = (batch: StoredBatch, from: number): LogRecord[] => {
  const { topic, partition, base, count, logTime, data } = batch;
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const skip = Math.max(0, from - base);
  const headers = batch.headers === null ? null : (JSON.parse(batch.headers) as HeadersByIndex);
  const records: LogRecord[] = [];
  let p = 0;
  const next = (): number => {
    let byte = buffer[p++] as number;
    if (byte < 128) return byte;
    let value = byte & 127;
    for (let shift = 7; byte > 127; shift += 7) {
      byte = buffer[p++] as number;
      value |= (byte & 127) << shift;
    }
    return value >>> 0;
  };
  for (let i = 0; i < count; i++) {
    const keyBytes = next();
    const schemaId = next();
    const valueBytes = next();
    const valueAt = p + (keyBytes === 0 ? 0 : keyBytes - 1);
    if (i >= skip) {
      const key = keyBytes === 0 ? null : buffer.toString('utf8', p, valueAt);
      const value = buffer.subarray(valueAt, valueAt + valueBytes);
      const record: LogRecord = {
        topic,
        partition,
        key,
        value,
        schemaId,
        offset: base + i,
        logTime,
      };
      const own = headers?.[i];
      records.push(own === undefined ? record : { ...record, headers: own });
    }
    p = valueAt + valueBytes;
  }
  return records;
};
