/**
 * Rows without a file: entity `driver_id`, columns f0 …; even columns have whole numbers, odd ones
 * fractions with all digits.
 */
import type { DriverRow } from './redis-rig.ts';

const T = Date.UTC(2025, 0, 1);

/** SplitMix's step, in doubles of 53 bits. */
const mixed = (n: number): number => {
  let x = Math.imul(n ^ (n >>> 16), 0x45d9f3b);
  x = Math.imul(x ^ (x >>> 16), 0x45d9f3b);
  return (x ^ (x >>> 16)) >>> 0;
};

const fraction = (n: number): number => (mixed(n) * 0x200000 + (mixed(n + 1) >>> 11)) / 2 ** 53;

export function* driverRows(entities: number, columns: number): Generator<DriverRow> {
  for (let id = 0; id < entities; id++) {
    const row: Record<string, number> = { driver_id: id, event_timestamp: T + id };
    for (let i = 0; i < columns; i++)
      row[`f${i}`] = i % 2 === 0 ? mixed(id * 100 + i) % 1_000_000 : fraction(id * 100 + i);
    yield row;
  }
}
