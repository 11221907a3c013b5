/** Tables and values as text for a terminal. */
import { formatTime } from '#domain/values/time.ts';

/** Width of a text in terminal columns: wide East Asian characters have two. */
const width = (text: string): number => {
  let columns = 0;
  for (const character of text) {
    if (/\p{Mn}/u.test(character)) continue;
    columns +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\u{1f300}-\u{1faff}]/u.test(
        character,
      )
        ? 2
        : 1;
  }
  return columns;
};

/** Replaces control characters, which could move the cursor or send commands to the terminal. */
const safe = (text: string): string =>
  text.replace(/\p{Cc}/gu, (c) =>
    c === '\n' ? '⏎' : `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );

export const show = (value: unknown): string => {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'number')
    return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(10)));
  return safe(typeof value === 'string' ? value : JSON.stringify(value));
};

export const showTime = (ms: number | null | undefined): string =>
  ms === null || ms === undefined ? '–' : formatTime(ms);

type Cell = string | number | boolean | null | undefined;

/** Aligned columns; numbers are aligned right. */
export const table = (head: readonly string[], rows: readonly (readonly Cell[])[]): string => {
  if (rows.length === 0) return 'none';
  const texts = rows.map((row) => row.map(show));
  const right = head.map((_, c) =>
    rows.every((row) => typeof row[c] === 'number' || row[c] === null),
  );
  const widths = head.map((name, c) =>
    Math.max(width(name), ...texts.map((row) => width(row[c] ?? ''))),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, c) => {
        const padding = ' '.repeat((widths[c] as number) - width(cell));
        return right[c] === true ? padding + cell : cell + padding;
      })
      .join('  ')
      .trimEnd();
  return [line(head), ...texts.map(line)].join('\n');
};

/** `name  value` lines. */
export const facts = (pairs: readonly (readonly [string, Cell])[]): string => {
  const longest = Math.max(...pairs.map(([name]) => width(name)));
  return pairs
    .map(([name, value]) => `${name}${' '.repeat(longest - width(name))}  ${show(value)}`)
    .join('\n');
};

export const indent = (text: string, by = '  '): string => text.replace(/^/gm, by);
export const percent = (share: number): string => `${Math.floor(share * 100)} %`;
export const entityText = (entity: Readonly<Record<string, unknown>>): string =>
  Object.entries(entity)
    .map(([key, value]) => `${key}=${show(value)}`)
    .join(' ');
