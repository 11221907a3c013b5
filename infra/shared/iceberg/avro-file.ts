/**
 * Avro object container files, the format of Iceberg's manifests: a header (schema and metadata),
 * then deflated blocks.
 */

import { randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import avro from 'avsc';
import { avroCodec, EXACT_LONG } from '#domain/avro/codec.ts';
import { messageOf } from '#domain/error-message.ts';
import { fail } from '#domain/errors.ts';

const MAGIC = Buffer.from('Obj\u0001', 'latin1');
const SYNC_BYTES = 16;
const BLOCK_ROWS = 4000;
const longType = avro.Type.forSchema('long');
const metadataType = avroCodec({ type: 'map', values: 'bytes' });

const IDS: ReadonlySet<unknown> = new Set(['snapshot_id', 'added_snapshot_id']);

interface RecordSchema {
  readonly fields?: readonly { readonly name?: unknown; readonly type?: unknown }[];
}

const exactLong = (type: unknown): unknown => {
  if (Array.isArray(type)) return type.map(exactLong);
  return type === 'long' || (type as { type?: unknown } | null)?.type === 'long'
    ? EXACT_LONG
    : type;
};

/** The schema of the rows, with snapshot ids as bigints. */
const withExactIds = (schema: object): object => {
  const { fields } = schema as RecordSchema;
  if (!Array.isArray(fields)) return schema;
  return {
    ...schema,
    fields: fields.map((field) =>
      IDS.has(field?.name) ? { ...field, type: exactLong(field.type) } : field,
    ),
  };
};

export const writeAvroFile = (
  schema: object,
  rows: readonly unknown[],
  metadata: Readonly<Record<string, string>>,
): Buffer => {
  const type = avroCodec(withExactIds(schema));
  const sync = randomBytes(SYNC_BYTES);
  const entries = { 'avro.schema': JSON.stringify(schema), 'avro.codec': 'deflate', ...metadata };
  const parts = [
    MAGIC,
    metadataType.toBuffer(
      Object.fromEntries(Object.entries(entries).map(([k, v]) => [k, Buffer.from(v)])),
    ),
    sync,
  ];
  for (let from = 0; from < rows.length; from += BLOCK_ROWS) {
    const block = rows.slice(from, from + BLOCK_ROWS);
    const data = deflateRawSync(Buffer.concat(block.map((row) => type.toBuffer(row))));
    parts.push(longType.toBuffer(block.length), longType.toBuffer(data.length), data, sync);
  }
  return Buffer.concat(parts);
};

const broken = (why: string): never =>
  fail('MR_STORAGE_FAILED', `an Avro file cannot be read: ${why}`);

/** @throws MR_STORAGE_FAILED instead of avsc's errors */
const decode = <T>(
  type: avro.Type,
  bytes: Buffer,
  at: number,
): { readonly value: T; readonly offset: number } => {
  let read: { value: T; offset: number };
  try {
    read = type.decode(bytes, at);
  } catch (error) {
    return broken(messageOf(error));
  }
  return read.offset > at ? read : broken('it is truncated');
};

/**
 * @throws MillraceError MR_STORAGE_FAILED if the bytes are not an Avro file, or if a block
 * contradicts its own counts
 */
export const readAvroFile = (content: Uint8Array): unknown[] => {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC))
    broken('it does not start with the header of an Avro file');
  const header = decode<Record<string, Buffer>>(metadataType, bytes, MAGIC.length);
  const sync = bytes.subarray(header.offset, header.offset + SYNC_BYTES);
  let type: avro.Type;
  try {
    type = avroCodec(withExactIds(JSON.parse(String(header.value['avro.schema']))));
  } catch {
    return broken('its schema is not valid');
  }
  const deflated = String(header.value['avro.codec'] ?? 'null') === 'deflate';
  const rows: unknown[] = [];
  let at = header.offset + SYNC_BYTES;
  while (at < bytes.length) {
    const count = decode<number>(longType, bytes, at);
    const size = decode<number>(longType, bytes, count.offset);
    const end = size.offset + size.value;
    if (!(size.value >= 0 && end + SYNC_BYTES <= bytes.length)) broken('a block is truncated');
    if (!bytes.subarray(end, end + SYNC_BYTES).equals(sync))
      broken('a block does not end where its size says');
    const raw = bytes.subarray(size.offset, end);
    let data = raw;
    try {
      if (deflated) data = inflateRawSync(raw);
    } catch {
      broken('a block cannot be inflated');
    }
    if (!(count.value >= 0 && count.value <= data.length))
      broken('a block has more rows than bytes');
    let p = 0;
    for (let i = 0; i < count.value; i++) {
      const row = decode(type, data, p);
      rows.push(row.value);
      p = row.offset;
    }
    if (p !== data.length) broken('a block has more bytes than rows');
    at = end + SYNC_BYTES;
  }
  return rows;
};
