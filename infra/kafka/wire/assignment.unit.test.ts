import { expect, test } from 'vitest';
import {
  decodeAssignment,
  encodeAssignment,
  encodeSubscription,
  roundRobin,
} from '#infra/kafka/wire/assignment.ts';

const at = (topic: string, ...partitions: readonly number[]) =>
  partitions.map((partition) => ({ topic, partition }));

test('an assignment keeps its content, in the bytes of the consumer protocol', () => {
  const partitions = [...at('ä', 0, 2), ...at('b', 1)];
  const bytes = encodeAssignment(partitions);
  expect(decodeAssignment(bytes)).toEqual(partitions);
  expect(bytes.toString('hex')).toBe(
    '0000' +
      '00000002' +
      '0002c3a4' +
      '00000002' +
      '00000000' +
      '00000002' +
      '000162' +
      '00000001' +
      '00000001' +
      '00000000',
  );
  expect(encodeSubscription(['b']).toString('hex')).toBe(
    '0000' + '00000001' + '000162' + '00000000',
  );
});

test('no bytes mean no partitions', () => {
  expect(decodeAssignment(Buffer.alloc(0))).toEqual([]);
  expect(decodeAssignment(encodeAssignment([]))).toEqual([]);
});

test('every partition has one member, and members differ by at most one partition', () => {
  const partitions = at('a', 0, 1, 2, 3, 4, 5, 6);
  const shares = roundRobin(['z', 'x', 'y'], partitions).map(({ memberId, assignment }) => [
    memberId,
    decodeAssignment(assignment).map(({ partition }) => partition),
  ]);
  expect(shares).toEqual([
    ['x', [0, 3, 6]],
    ['y', [1, 4]],
    ['z', [2, 5]],
  ]);
});
