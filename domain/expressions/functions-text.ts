/**
 * Strings. Lengths and places count Unicode code points, from 0, as SQL engines count characters.
 */
import { isNumeric, isWhole } from '#domain/values/field-type.ts';
import type { ScalarType } from '#domain/values/value.ts';
import type { FunctionRow, Implementation } from './function-row.ts';
import { anyNull, is, of, show } from './types.ts';

const text = (
  name: string,
  min: number,
  max: number,
  result: ScalarType,
  flink: string,
  js: Implementation,
): FunctionRow => ({
  name,
  arity: [min, max],
  nulls: 'strict',
  type: (args) =>
    args.every((a) => is(a.type, 'string'))
      ? of(result, anyNull(args))
      : `needs strings, got ${show(args)} (cast to string first)`,
  js: () => js,
  flink: (args) => `${flink}(${args.map((a) => a.sql).join(', ')})`,
});

const SURROGATE = /[\ud800-\udfff]/;
const length = (s: string): number => (SURROGATE.test(s) ? [...s].length : s.length);

function substring(s: string, start: number, count = Number.POSITIVE_INFINITY): string | null {
  if (start < 0 || count < 0) return null;
  return SURROGATE.test(s)
    ? [...s].slice(start, start + count).join('')
    : s.slice(start, start + count);
}

/** Spaces only, as SQL's TRIM. */
function trim(s: string): string {
  let from = 0;
  let to = s.length;
  while (from < to && s.charCodeAt(from) === 32) from++;
  while (to > from && s.charCodeAt(to - 1) === 32) to--;
  return s.slice(from, to);
}

export const TEXT: readonly FunctionRow[] = [
  text('lower', 1, 1, 'string', 'LOWER', (s: string) => s.toLowerCase()),
  text('upper', 1, 1, 'string', 'UPPER', (s: string) => s.toUpperCase()),
  text('trim', 1, 1, 'string', 'TRIM', trim),
  text('length', 1, 1, 'int', 'CHAR_LENGTH', length),
  text('concat', 1, 32, 'string', 'CONCAT', ((...parts: string[]) =>
    parts.join('')) as Implementation),
  text('startsWith', 2, 2, 'boolean', 'MR_STARTS_WITH', (s: string, part: string) =>
    s.startsWith(part),
  ),
  text('endsWith', 2, 2, 'boolean', 'MR_ENDS_WITH', (s: string, part: string) => s.endsWith(part)),
  text('contains', 2, 2, 'boolean', 'MR_CONTAINS', (s: string, part: string) => s.includes(part)),
  text('replace', 3, 3, 'string', 'MR_REPLACE', (s: string, part: string, by: string) =>
    part === '' ? s : s.replaceAll(part, () => by),
  ),
  {
    name: 'substring',
    arity: [2, 3],
    nulls: 'strict',
    type: (args) => {
      const [s, ...places] = args;
      return s && is(s.type, 'string') && places.every((p) => isNumeric(p.type) && isWhole(p.type))
        ? of('string', true)
        : `needs a string, a start from 0 and a length, got ${show(args)}`;
    },
    js: () => substring as Implementation,
    flink: (args) =>
      `MR_SUBSTRING(${args.map((a, i) => (i === 0 ? a.sql : `CAST(${a.sql} AS BIGINT)`)).join(', ')})`,
  },
];
