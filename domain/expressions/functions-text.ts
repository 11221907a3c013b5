/** Strings. Lengths and positions count Unicode code points, as SQL does; positions begin at 0. */
import { isNumeric, isWhole } from '#domain/values/field-type.ts';
import type { ScalarType } from '#domain/values/value.ts';
import type { FunctionName, FunctionRow, Implementation } from './function-row.ts';
import { anyNull, castHint, is, of, show } from './types.ts';

const text = (
  name: FunctionName,
  min: number,
  max: number,
  result: ScalarType,
  js: Implementation,
  grows = false,
): FunctionRow => ({
  name,
  arity: [min, max],
  nulls: 'strict',
  type: (args) =>
    args.every((a) => is(a.type, 'string'))
      ? of(result, grows || anyNull(args))
      : `needs strings, got ${show(args)}${castHint(args, 'string')}`,
  js: () => js,
});

/**
 * Texts that an expression makes have at most 1 Mi UTF-16 code units. A longer one is an overflow,
 * and so null: a chain of joined texts doubles with each link.
 */
export const MAX_TEXT = 1024 * 1024;

const concat = (...parts: string[]): string | null => {
  let size = 0;
  for (const part of parts) size += part.length;
  return size > MAX_TEXT ? null : parts.join('');
};

const replace = (s: string, part: string, by: string): string | null => {
  if (part === '') return s;
  if (by.length > part.length) {
    let size = s.length;
    for (let at = s.indexOf(part); at >= 0; at = s.indexOf(part, at + part.length)) {
      size += by.length - part.length;
      if (size > MAX_TEXT) return null;
    }
  }
  return s.replaceAll(part, () => by);
};

const SURROGATE = /[\ud800-\udfff]/;
const length = (s: string): number => (SURROGATE.test(s) ? [...s].length : s.length);

function substring(s: string, start: number, count = Number.POSITIVE_INFINITY): string | null {
  if (start < 0 || count < 0) return null;
  return SURROGATE.test(s)
    ? [...s].slice(start, start + count).join('')
    : s.slice(start, start + count);
}

/** Removes spaces only, as SQL's TRIM does. */
function trim(s: string): string {
  let from = 0;
  let to = s.length;
  while (from < to && s.charCodeAt(from) === 32) from++;
  while (to > from && s.charCodeAt(to - 1) === 32) to--;
  return s.slice(from, to);
}

export const TEXT: readonly FunctionRow[] = [
  text('lower', 1, 1, 'string', (s: string) => s.toLowerCase()),
  text('upper', 1, 1, 'string', (s: string) => s.toUpperCase()),
  text('trim', 1, 1, 'string', trim),
  text('length', 1, 1, 'int', length),
  text('concat', 1, 32, 'string', concat as Implementation, true),
  text('startsWith', 2, 2, 'boolean', (s: string, part: string) => s.startsWith(part)),
  text('endsWith', 2, 2, 'boolean', (s: string, part: string) => s.endsWith(part)),
  text('contains', 2, 2, 'boolean', (s: string, part: string) => s.includes(part)),
  text('replace', 3, 3, 'string', replace, true),
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
  },
];
