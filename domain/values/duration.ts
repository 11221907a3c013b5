/**
 * Durations: as text a whole number and one unit, in the code a number of milliseconds.
 */
import { fail } from '#domain/errors.ts';

export type DurationText = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;

/** A hundred years. For longer windows, leave the window out: it then covers all time. */
export const MAX_DURATION_MS = 36_500 * UNITS.d;

export function parseDuration(text: string): number {
  const match = typeof text === 'string' ? /^(\d{1,15})(ms|s|m|h|d)$/.exec(text) : null;
  if (match === null) {
    return fail(
      'MR_DURATION_INVALID',
      `${JSON.stringify(text)} is not a duration: write a whole number and a unit, for example 500ms, 30s, 5m, 1h or 7d.`,
      {
        value: text,
      },
    );
  }
  const ms = Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
  if (ms > MAX_DURATION_MS) {
    return fail(
      'MR_DURATION_INVALID',
      `${JSON.stringify(text)} is longer than 36500d, the longest duration.`,
      { value: text },
    );
  }
  return ms;
}

/** Units that a duration for reading has at most. */
const SHOWN_UNITS = 3;

/**
 * A span of time for reading: `2d 10h 54m`, `54m 3s`, `12.3s`, `250ms`. Of a long one, what is
 * below its third unit is left out.
 */
export function durationText(ms: number): string {
  if (ms < 0) return `-${durationText(-ms)}`;
  if (ms < UNITS.s) return `${Number(ms.toPrecision(3))}ms`;
  if (ms < UNITS.m) return `${Math.floor(ms / 100) / 10}s`;
  const sizes = Object.entries(UNITS).filter(([unit]) => unit !== 'ms');
  const first = sizes.findIndex(([, size]) => ms >= size);
  let rest = ms;
  return sizes
    .slice(first, first + SHOWN_UNITS)
    .flatMap(([unit, size]) => {
      const count = Math.floor(rest / size);
      rest -= count * size;
      return count === 0 ? [] : [`${count}${unit}`];
    })
    .join(' ');
}

/** In the largest unit that represents it exactly. */
export function formatDuration(ms: number): string {
  if (!Number.isInteger(ms) || ms < 0)
    return fail(
      'MR_DURATION_INVALID',
      `${ms} ms is not a duration: it must be a whole number from 0.`,
      {
        value: ms,
      },
    );
  if (ms === 0) return '0ms';
  for (const [unit, size] of Object.entries(UNITS))
    if (ms % size === 0) return `${ms / size}${unit}`;
  return `${ms}ms`;
}
