import { once } from 'node:events';
import { deflateRawSync, zstdCompressSync } from 'node:zlib';
import avro from 'avsc';
import { expect, test } from 'vitest';
import { containerBlocks } from './container-blocks.ts';

const fileOf = async (codec: string): Promise<Buffer> => {
  const type = avro.Type.forSchema('string');
  const encoder = new avro.streams.BlockEncoder(type, {
    codec,
    codecs: {
      null: (bytes: Buffer, done: (error: null, packed: Buffer) => void) => done(null, bytes),
      deflate: (bytes: Buffer, done: (error: null, packed: Buffer) => void) =>
        done(null, deflateRawSync(bytes)),
      zstandard: (bytes: Buffer, done: (error: null, packed: Buffer) => void) =>
        done(null, zstdCompressSync(bytes)),
      other: (bytes: Buffer, done: (error: null, packed: Buffer) => void) => done(null, bytes),
    },
    blockSize: 64,
  } as never);
  const pieces: Buffer[] = [];
  encoder.on('data', (piece: Buffer) => void pieces.push(piece));
  for (let i = 0; i < 20; i++) encoder.write(`value ${i} ${'x'.repeat(40)}`);
  encoder.end();
  await once(encoder, 'end');
  return Buffer.concat(pieces);
};

for (const codec of ['null', 'deflate', 'zstandard'])
  test(`the values of a file that is compressed with ${codec} are in its blocks`, async () => {
    const blocks = containerBlocks(await fileOf(codec));
    expect(blocks.length).toBeGreaterThan(1);
    const text = Buffer.concat(blocks).toString('latin1');
    for (let i = 0; i < 20; i++) expect(text).toContain(`value ${i} xxx`);
  });

test('what cannot be read is an error, not an empty file', async () => {
  const other = await fileOf('other');
  expect(() => containerBlocks(other)).toThrow('compressed with other');
  const whole = await fileOf('null');
  expect(() => containerBlocks(whole.subarray(0, -40))).toThrow('within a block');
});
