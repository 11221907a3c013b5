/** Avro object container files: what Iceberg keeps its manifests in. Header (schema and metadata), then deflated blocks. */
import { randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import avro from 'avsc';
import { avroCodec } from '#domain/views/avro.ts';

const MAGIC = Buffer.from('Obj\u0001', 'latin1');
const BLOCK_ROWS = 4000;
const longType = avro.Type.forSchema('long');
const metadataType = avro.Type.forSchema({ type: 'map', values: 'bytes' });

const typeOf = (schema: object): avro.Type => avro.Type.forSchema(schema as avro.Schema);

export const writeAvroFile = (schema: object, rows: readonly unknown[], metadata: Readonly<Record<string, string>>): Buffer => {
  const type = typeOf(schema);
  const sync = randomBytes(16);
  const entries = { 'avro.schema': JSON.stringify(schema), 'avro.codec': 'deflate', ...metadata };
  const parts = [
    MAGIC,
    metadataType.toBuffer(Object.fromEntries(Object.entries(entries).map(([k, v]) => [k, Buffer.from(v)]))),
    sync,
  ];
  for (let from = 0; from < rows.length; from += BLOCK_ROWS) {
    const block = rows.slice(from, from + BLOCK_ROWS);
    const data = deflateRawSync(Buffer.concat(block.map((row) => type.toBuffer(row))));
    parts.push(longType.toBuffer(block.length), longType.toBuffer(data.length), data, sync);
  }
  return Buffer.concat(parts);
};

export const readAvroFile = (bytes: Buffer): unknown[] => {
  if (!bytes.subarray(0, 4).equals(MAGIC)) throw new RangeError('not an Avro file');
  const header = metadataType.decode(bytes, 4) as { value: Record<string, Buffer>; offset: number };
  // Other engines' snapshot ids use all 64 bits. They are told apart here and never written back: the nearest double will do.
  const type = avroCodec(JSON.parse(String(header.value['avro.schema'])));
  const deflated = String(header.value['avro.codec'] ?? 'null') === 'deflate';
  const rows: unknown[] = [];
  let at = header.offset + 16;
  while (at < bytes.length) {
    const count = longType.decode(bytes, at) as { value: number; offset: number };
    const size = longType.decode(bytes, count.offset) as { value: number; offset: number };
    const raw = bytes.subarray(size.offset, size.offset + size.value);
    const data = deflated ? inflateRawSync(raw) : raw;
    let p = 0;
    for (let i = 0; i < count.value; i++) {
      const row = type.decode(data, p) as { value: unknown; offset: number };
      rows.push(row.value);
      p = row.offset;
    }
    at = size.offset + size.value + 16;
  }
  return rows;
};
