/** Segments without some records, as Kafka must find them: byte by byte the same but for these. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  compressionsAlgorithmsByBitmask,
  crc32c,
  Reader,
  readRecordsBatch,
  Writer,
} from '@platformatic/kafka';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eraseRecords } from './erase-records.ts';
import { batchesOf } from './partition-files.ts';
import { recordsIn } from './stored-batch.ts';

let logs: string;
beforeEach(() => {
  logs = mkdtempSync(join(tmpdir(), 'millrace-segments-'));
  writeFileSync(join(logs, '.kafka_cleanshutdown'), '');
});
afterEach(() => rmSync(logs, { recursive: true, force: true }));

const TRANSACTIONAL = 1 << 4;
const CONTROL = 1 << 5;

const batch = (first: number, values: readonly string[], attributes = 0): Buffer => {
  const records = values.map(
    (value, delta) =>
      Writer.create()
        .appendInt8(0)
        .appendVarInt64(BigInt(delta))
        .appendVarInt(delta)
        .appendVarIntBytes(Buffer.from(`key ${value}`))
        .appendVarIntBytes(Buffer.from(value))
        .appendVarInt(0)
        .prependVarIntLength().buffer,
  );
  const codec = attributes & 0b111;
  const plain = Buffer.concat(records);
  const body =
    codec === 0 ? plain : (compressionsAlgorithmsByBitmask[codec]?.compressSync(plain) as Buffer);
  const head = Buffer.alloc(61);
  head.writeBigInt64BE(BigInt(first), 0);
  head.writeInt32BE(49 + body.length, 8);
  head.writeInt32BE(3, 12);
  head.writeInt8(2, 16);
  head.writeInt16BE(attributes, 21);
  head.writeInt32BE(values.length - 1, 23);
  head.writeBigInt64BE(1_700_000_000_000n, 27);
  head.writeBigInt64BE(1_700_000_000_009n, 35);
  head.writeBigInt64BE(77n, 43);
  head.writeInt16BE(5, 51);
  head.writeInt32BE(first * 2, 53);
  head.writeInt32BE(values.length, 57);
  const whole = Buffer.concat([head, body]);
  whole.writeUInt32BE(crc32c(whole.subarray(21)), 17);
  return whole;
};

const partition = (name: string, ...batches: readonly Buffer[]): string => {
  const directory = join(logs, name);
  mkdirSync(directory);
  const segment = join(directory, '00000000000000000000.log');
  writeFileSync(segment, Buffer.concat(batches));
  for (const index of ['index', 'timeindex', 'txnindex'])
    writeFileSync(segment.replace(/log$/, index), 'positions');
  return segment;
};

const read = async (segment: string) => {
  const found = [];
  for await (const { bytes } of batchesOf(segment)) {
    const { records, crc: _, length: __, ...header } = readRecordsBatch(Reader.from(bytes));
    found.push({ header, values: records.map(({ value }) => String(value)) });
  }
  return found;
};

const erase = async (topic: string, gone: readonly string[]) => {
  const offsets: (readonly [number, readonly number[]])[] = [];
  await eraseRecords({
    logs,
    testOf: (name) => (name === topic ? ({ value }) => gone.includes(String(value)) : null),
    onFound: (found) => void offsets.push([found.partition, found.offsets]),
  });
  return offsets;
};

for (const [codec, name] of ['none', 'gzip', 'snappy', 'lz4', 'zstd'].entries())
  test(`records go, and headers and the other records stay: ${name}`, async () => {
    const attributes = codec | TRANSACTIONAL;
    const segment = partition(
      'raw.a-1',
      batch(10, ['a', 'b', 'c'], attributes),
      batch(13, ['b', 'b'], attributes),
      batch(15, ['d'], attributes),
    );
    const before = await read(segment);
    expect(await erase('raw.a', ['b'])).toEqual([[1, [11, 13, 14]]]);
    const after = await read(segment);
    expect(after.map(({ values }) => values)).toEqual([['a', 'c'], [], ['d']]);
    const headers = before.map(({ header }) => header);
    expect(after.map(({ header }) => header)).toEqual(
      headers.map((header, i) => (i === 1 ? { ...header, attributes: TRANSACTIONAL } : header)),
    );
    for await (const one of batchesOf(segment))
      if (recordsIn(one).length === 2)
        expect(recordsIn(one).map(({ offset }) => offset)).toEqual([10, 12]);
    expect(existsSync(segment.replace(/log$/, 'index'))).toBe(false);
    expect(existsSync(segment.replace(/log$/, 'timeindex'))).toBe(false);
    expect(existsSync(segment.replace(/log$/, 'txnindex'))).toBe(true);
    expect(await erase('raw.a', ['b']), 'a second time').toEqual([]);
  });

test('markers, other topics and segments without such records are not touched', async () => {
  const marker = partition('raw.a-0', batch(0, ['b'], CONTROL | TRANSACTIONAL));
  const other = partition('raw.a-b-0', batch(0, ['b']));
  const contents = [marker, other].map((path) => readFileSync(path));
  expect(await erase('raw.a', ['b'])).toEqual([]);
  expect([marker, other].map((path) => readFileSync(path))).toEqual(contents);
  expect(existsSync(marker.replace(/log$/, 'index'))).toBe(true);
});

test('what Kafka has deleted, and what a killed run has left, goes', async () => {
  const segment = partition('raw.a-0', batch(0, ['a']));
  const left = [`${segment}.deleted`, `${segment}.erasing`];
  for (const path of left) writeFileSync(path, 'b');
  mkdirSync(join(logs, 'raw.b-0.0f3c-delete'));
  await erase('raw.a', ['b']);
  for (const path of [...left, join(logs, 'raw.b-0.0f3c-delete')])
    expect(existsSync(path)).toBe(false);
});

test('a broker that runs, or was killed, is refused, and so is a damaged batch', async () => {
  const damaged = batch(0, ['a', 'b']);
  damaged[70] = 255 - (damaged[70] as number);
  const segment = partition('raw.a-0', batch(0, ['a']), damaged);
  await expect(erase('raw.a', ['a'])).rejects.toMatchObject({ code: 'MR_DATA_DAMAGED' });
  writeFileSync(segment, batch(0, ['a']).subarray(0, 70));
  await expect(erase('raw.a', ['a'])).rejects.toMatchObject({ code: 'MR_DATA_DAMAGED' });
  rmSync(join(logs, '.kafka_cleanshutdown'));
  await expect(erase('raw.a', ['a'])).rejects.toMatchObject({ code: 'MR_REFUSED' });
});
