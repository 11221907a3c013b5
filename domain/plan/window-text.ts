/**
 * Windows in words. A window and its hop are always named together, because a value covers up to
 * one hop more than its window.
 */
import { formatDuration } from '#domain/values/duration.ts';

const WORDS: Readonly<Record<string, string>> = {
  ms: 'milliseconds',
  s: 'seconds',
  m: 'minutes',
  h: 'hours',
  d: 'days',
};

const parts = (ms: number): { readonly count: number; readonly unit: string } => {
  const text = formatDuration(ms);
  const count = Number.parseInt(text, 10);
  return { count, unit: text.slice(String(count).length) };
};

/** `30d in hops of 1d`; `hopMs` 0: all time */
export const windowText = (windowMs: number | null, hopMs: number): string =>
  windowMs === null || hopMs === 0
    ? 'all time'
    : `${formatDuration(windowMs)} in hops of ${formatDuration(hopMs)}`;

/**
 * How long an interval a value covers, as its time moves from one hop to the next:
 * `30 to 31 days`.
 */
export const coverageText = (windowMs: number | null, hopMs: number): string => {
  if (windowMs === null || hopMs === 0) return 'every event up to the time of the read';
  const [window, hop] = [parts(windowMs), parts(hopMs)];
  return window.unit === hop.unit
    ? `${window.count} to ${window.count + hop.count} ${WORDS[hop.unit]}`
    : `${formatDuration(windowMs)} to ${formatDuration(windowMs)} ${formatDuration(hopMs)}`;
};
