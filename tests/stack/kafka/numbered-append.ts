/**
 * Append `n` of a lane: a record in each of three partitions of two topics, the lane's position,
 * three of its producer's sequence.
 */
import type { Append } from '#domain/ports/log.ts';
import { record } from '#tests/contracts/log.contract.ts';

export const PLACES = [
  ['a', 0],
  ['a', 1],
  ['b', 0],
] as const;

export const appendOf = (lane: number, n: number): Append => ({
  records: PLACES.map(([topic, partition]) => record(topic, `${lane}:${n}`, { partition })),
  positions: [{ consumer: `lane${lane}`, topic: 'a', partition: 0, offset: n + 1 }],
  producer: { id: `p${lane}`, topic: 'a', sequence: n * 3, count: 3 },
});
