/**
 * Batches of a topic as a backup keeps them: gzip of one line of JSON for each batch. Records of
 * aborted transactions are left out, but not the offsets that they took.
 */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';

export interface CopiedRecord {
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [name: Buffer | null, value: Buffer | null])[];
}

export interface CopiedBatch {
  /** the offsets that it takes: from `first`, below `next` */
  readonly first: number;
  readonly next: number;
  /** log time of all its records, epoch ms */
  readonly time: number;
  /** id of the producer of its transaction; null: it is not part of one */
  readonly producer: string | null;
  /** it ends its producer's transaction in this partition, and has no records */
  readonly isMarker: boolean;
  readonly records: readonly CopiedRecord[];
}

const zip = promisify(gzip);
const unzip = promisify(gunzip);

type Text = string | null;
type Line = readonly [
  first: number,
  next: number,
  time: number,
  producer: string | null,
  isMarker: 0 | 1,
  records: readonly (readonly [
    offset: number,
    key: Text,
    value: Text,
    headers: readonly (readonly [Text, Text])[],
  ])[],
];

const text = (bytes: Buffer | null): Text => bytes?.toString('base64') ?? null;
const bytes = (encoded: Text): Buffer | null =>
  encoded === null ? null : Buffer.from(encoded, 'base64');

export const encodeBatches = (batches: readonly CopiedBatch[]): Promise<Buffer> => {
  const lines = batches.map(
    ({ first, next, time, producer, isMarker, records }): Line => [
      first,
      next,
      time,
      producer,
      isMarker ? 1 : 0,
      records.map(({ offset, key, value, headers }) => [
        offset,
        text(key),
        text(value),
        headers.map(([name, content]) => [text(name), text(content)]),
      ]),
    ],
  );
  return zip(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
};

export const decodeBatches = async (encoded: Uint8Array): Promise<readonly CopiedBatch[]> =>
  (await unzip(encoded))
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [first, next, time, producer, isMarker, records] = JSON.parse(line) as Line;
      return {
        first,
        next,
        time,
        producer,
        isMarker: isMarker === 1,
        records: records.map(([offset, key, value, headers]) => ({
          offset,
          key: bytes(key),
          value: bytes(value),
          headers: headers.map(([name, content]) => [bytes(name), bytes(content)] as const),
        })),
      };
    });
