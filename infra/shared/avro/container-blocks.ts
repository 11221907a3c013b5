/** The blocks of an Avro file, decompressed. */
import { inflateRawSync, zstdDecompressSync } from 'node:zlib';
import avro from 'avsc';

const META = avro.Type.forSchema({ type: 'map', values: 'bytes' });
const LONG = avro.Type.forSchema('long');
const MAGIC_BYTES = 4;
const SYNC_BYTES = 16;

const CODECS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  null: (bytes) => bytes,
  deflate: (bytes) => inflateRawSync(bytes),
  zstandard: (bytes) => zstdDecompressSync(bytes),
};

/** @throws Error where it is no whole Avro file, or compressed in another way */
export const containerBlocks = (file: Buffer): readonly Buffer[] => {
  const meta = META.decode(file, MAGIC_BYTES) as {
    readonly value: Readonly<Record<string, Buffer>>;
    readonly offset: number;
  };
  const codec = meta.value['avro.codec']?.toString() ?? 'null';
  const decompress = CODECS[codec];
  if (decompress === undefined) throw new Error(`it is compressed with ${codec}`);
  const blocks: Buffer[] = [];
  for (let at = meta.offset + SYNC_BYTES; at < file.length; ) {
    const { offset: size } = LONG.decode(file, at);
    const { value: bytes, offset: from } = LONG.decode(file, size) as {
      readonly value: number;
      readonly offset: number;
    };
    if (from < 0 || from + bytes > file.length) throw new Error('it ends within a block');
    blocks.push(decompress(file.subarray(from, from + bytes)));
    at = from + bytes + SYNC_BYTES;
  }
  return blocks;
};
