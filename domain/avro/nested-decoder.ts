/** Decodes Avro records of any shape to JSON-like data; bytes become base64 text. */
import { avroCodec } from './codec.ts';

const plain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part)]))
    : value;
};

export const nestedDecoder = (schema: object): ((bytes: Uint8Array) => unknown) => {
  const type = avroCodec(schema);
  return (bytes) => plain(type.fromBuffer(Buffer.from(bytes)));
};
