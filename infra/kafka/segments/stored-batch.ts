/**
 * A batch of records as it is in Kafka's files, which is as it is on the wire: a header of 61
 * bytes, then the records, possibly compressed. Taking records out keeps all else: the offsets that
 * the batch takes, its producer and its times, as Kafka's own compaction does.
 */
import {
  compressionsAlgorithmsByBitmask,
  crc32c,
  IS_CONTROL,
  Reader,
  readRecordsBatch,
} from '@platformatic/kafka';
import { MillraceError } from '#domain/errors.ts';

export interface StoredRecord {
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

export interface StoredBatch {
  /** the whole batch */
  readonly bytes: Buffer;
  readonly first: number;
  /** of a transaction's end: it has no records of ours */
  readonly isControl: boolean;
}

/** First offset and length, which counts what follows. */
export const HEAD_BYTES = 12;
/** The whole header. */
const OVERHEAD = 61;
const AT = { length: 8, magic: 16, crc: 17, attributes: 21, count: 57 } as const;
const CODEC = 0b111;
const MAGIC = 2;

/** @returns the bytes of the whole batch */
export const batchLength = (head: Buffer): number => head.readInt32BE(AT.length) + HEAD_BYTES;

/** @throws MR_DATA_DAMAGED */
export const storedBatch = (bytes: Buffer, file: string): StoredBatch => {
  const damaged = (why: string): never => {
    throw new MillraceError('MR_DATA_DAMAGED', `${file}: a batch of records ${why}.`, {
      path: file,
    });
  };
  if (bytes.length < OVERHEAD) return damaged('is shorter than its header');
  const magic = bytes.readInt8(AT.magic);
  if (magic !== MAGIC) return damaged(`has the format ${magic}, and not ${MAGIC}`);
  if (crc32c(bytes.subarray(AT.attributes)) !== bytes.readUInt32BE(AT.crc))
    return damaged('does not fit its checksum');
  return {
    bytes,
    first: Number(bytes.readBigInt64BE(0)),
    isControl: (bytes.readInt16BE(AT.attributes) & IS_CONTROL) !== 0,
  };
};

export const recordsIn = ({ bytes, first }: StoredBatch): readonly StoredRecord[] =>
  readRecordsBatch(Reader.from(bytes)).records.map(({ offsetDelta, key, value }) => ({
    offset: first + offsetDelta,
    key,
    value,
  }));

/** Each record as bytes, its length included, by its offset. */
const pieces = ({ bytes, first }: StoredBatch): ReadonlyMap<number, Buffer> => {
  const codec = bytes.readInt16BE(AT.attributes) & CODEC;
  const stored = bytes.subarray(OVERHEAD);
  const plain =
    codec === 0
      ? stored
      : (compressionsAlgorithmsByBitmask[codec]?.decompressSync(stored) as Buffer);
  const reader = Reader.from(plain);
  const found = new Map<number, Buffer>();
  for (let n = bytes.readInt32BE(AT.count); n > 0; n--) {
    const from = reader.position;
    const length = reader.readVarInt();
    const body = reader.position;
    reader.readInt8();
    reader.readVarInt64();
    const delta = reader.readVarInt();
    found.set(first + delta, plain.subarray(from, body + length));
    reader.skip(body + length - reader.position);
  }
  return found;
};

/**
 * The batch without some records. One that has none left stays, because it has offsets and the
 * newest sequence of its producer.
 */
export const withoutRecords = (batch: StoredBatch, gone: ReadonlySet<number>): Buffer => {
  const { bytes } = batch;
  const kept = [...pieces(batch)].filter(([offset]) => !gone.has(offset)).map(([, piece]) => piece);
  const codec = bytes.readInt16BE(AT.attributes) & CODEC;
  const plain = Buffer.concat(kept);
  const packed =
    codec === 0 || kept.length === 0
      ? plain
      : (compressionsAlgorithmsByBitmask[codec]?.compressSync(plain) as Buffer);
  const header = Buffer.from(bytes.subarray(0, OVERHEAD));
  if (kept.length === 0)
    header.writeInt16BE(header.readInt16BE(AT.attributes) & ~CODEC, AT.attributes);
  header.writeInt32BE(kept.length, AT.count);
  header.writeInt32BE(OVERHEAD - HEAD_BYTES + packed.length, AT.length);
  const next = Buffer.concat([header, packed]);
  next.writeUInt32BE(crc32c(next.subarray(AT.attributes)), AT.crc);
  return next;
};
