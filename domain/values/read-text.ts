/**
 * Values that come as text: a cell of a CSV file, `--entity id=17`, `?entity.id=17`. One rule for
 * all of them. Numbers have JSON's form, booleans are true or false in any case, times are ISO 8601
 * with a zone or epoch milliseconds. What the text means is then read as any other value.
 */
import { parseExactJson } from './exact-json.ts';
import { readScalar } from './read-value.ts';
import type { Scalar, ScalarType } from './value.ts';

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/;
/** Shorter ones are years or dates. */
const EPOCH_MS = /^-?\d{9,19}$|^0$/;
const LONGEST_EPOCH = 20;
const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
]);

/** Whether a text without blanks is a number, in JSON's form. */
export const isNumberText = (text: string): boolean => NUMBER.test(text);

/** Whether a text is epoch milliseconds. */
export const isEpochText = (text: string): boolean =>
  text.length <= LONGEST_EPOCH && EPOCH_MS.test(text);

/** Undefined: the text is neither true nor false. */
export const flagOfText = (text: string): boolean | undefined =>
  FLAGS.get(text.trim().toLowerCase());

const unread = (base: ScalarType, text: string): unknown => {
  switch (base) {
    case 'int':
    case 'long':
    case 'float':
    case 'double':
      return isNumberText(text.trim()) ? parseExactJson(text.trim()) : undefined;
    case 'boolean':
      return flagOfText(text);
    case 'timestamp':
      return isEpochText(text) ? Number(text) : text;
    default:
      return text;
  }
};

/** The value in canonical form; undefined where the text has none of this type. */
export const readText = (base: ScalarType, text: string): Scalar | undefined =>
  readScalar(base, unread(base, text));
