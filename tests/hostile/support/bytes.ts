/**
 * Broken Avro records: bytes changed, cut and repeated, and counts and lengths larger than the
 * data.
 */
import type { Random } from './random.ts';

/** Avro's zigzag varint of a whole number. */
export const varint = (n: bigint): Buffer => {
  const bytes: number[] = [];
  let z = n >= 0n ? n << 1n : ((-n - 1n) << 1n) | 1n;
  for (; z > 127n; z >>= 7n) bytes.push(Number(z & 127n) | 128);
  bytes.push(Number(z));
  return Buffer.from(bytes);
};

/** Counts and lengths: huge, negative, past the range of a double, and varints that never end. */
const LIES: readonly Buffer[] = [
  ...[
    1n << 20n,
    1n << 32n,
    1n << 40n,
    1n << 53n,
    (1n << 62n) - 1n,
    -1n,
    -2n,
    -(1n << 40n),
    -(1n << 62n),
  ].map(varint),
  Buffer.from([...new Array(9).fill(0xff), 0x01]),
  Buffer.alloc(40, 0x80),
  Buffer.alloc(400, 0xff),
  Buffer.concat([Buffer.alloc(300, 0x80), Buffer.from([1])]),
];

export const mutateBytes = (right: Uint8Array, random: Random): Buffer => {
  let bytes = Buffer.from(right);
  for (let times = 1 + random.below(3); times > 0; times--) {
    const at = random.below(bytes.length + 1);
    const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
    switch (random.below(7)) {
      case 0:
        bytes = Buffer.from(head);
        break;
      case 1:
        bytes = Buffer.concat([head, Buffer.from([random.below(256)]), tail.subarray(1)]);
        break;
      case 2:
        bytes = Buffer.concat([head, random.pick(LIES), tail]);
        break;
      case 3:
        bytes = Buffer.concat([head, random.pick(LIES), tail.subarray(1)]);
        break;
      case 4:
        bytes = Buffer.concat([head, tail.subarray(1)]);
        break;
      case 5:
        bytes = Buffer.concat([head, tail, tail]);
        break;
      default:
        bytes = Buffer.from(Array.from({ length: random.below(60) }, () => random.below(256)));
    }
  }
  return bytes;
};
