/**
 * What a text in a file means as a value of a field, a key or a request input. Events and spines
 * read texts with these functions, so that a text means the same value in both, or is refused in
 * both.
 */
import { parseExactJson } from '#domain/values/exact-json.ts';
import { readText } from '#domain/values/read-text.ts';
import { readValue } from '#domain/values/read-value.ts';
import type { FieldType, Value } from '#domain/values/value.ts';

const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/;
const PARTS = /^-?(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/;
const EPOCH_MS = /^-?\d{9,19}$|^0$/;
const FLAG = /^(true|false)$/i;

/**
 * Whether a JSON number is whole, by its digits: 1.50e1 is. JSON.parse rounds 1.00000000000000001
 * to a whole number, which it is not.
 */
const isWholeText = (text: string): boolean => {
  const [, whole = '', fraction = '', exponent = '0'] = PARTS.exec(text) ?? [];
  const places = fraction.length - Number(exponent);
  return places <= 0 || /^0*$/.test((whole + fraction).slice(-places));
};

const isFraction = ({ base }: FieldType, text: string): boolean =>
  (base === 'int' || base === 'long') && JSON_NUMBER.test(text) && !isWholeText(text);

const listOf = (text: string): readonly unknown[] | undefined => {
  try {
    const list = parseExactJson(text);
    return Array.isArray(list) ? list : undefined;
  } catch {
    return undefined;
  }
};

/** The value in canonical form; undefined where the text is none of this type. */
export const readCell = (type: FieldType, text: string): Value | undefined => {
  if (type.array) {
    const list = listOf(text);
    return list === undefined ? undefined : readValue(type, list);
  }
  return isFraction(type, text.trim()) ? undefined : readText(type.base, text);
};

/**
 * The text as JSON that a reader of JSON reads as the same value, or refuses where the text is
 * refused. Numbers keep their digits.
 */
export const cellJson = (type: FieldType, text: string): string => {
  const trimmed = text.trim();
  if (type.array) return listOf(text) === undefined ? JSON.stringify(text) : trimmed;
  switch (type.base) {
    case 'int':
    case 'long':
    case 'float':
    case 'double':
      if (!JSON_NUMBER.test(trimmed) || isFraction(type, trimmed)) return JSON.stringify(text);
      return trimmed;
    case 'boolean':
      return FLAG.test(trimmed) ? trimmed.toLowerCase() : JSON.stringify(text);
    case 'timestamp':
      return EPOCH_MS.test(text) ? text : JSON.stringify(text);
    default:
      return JSON.stringify(text);
  }
};
