/**
 * What a text in a file means as a value of a field, a key or a request input. Events and spines
 * read texts with these functions, so that a text means the same value in both, or is refused in
 * both.
 */
import { parseExactJson } from '#domain/values/exact-json.ts';
import { readValue } from '#domain/values/read-value.ts';
import { jsonOfText, scalarOfText } from '#domain/values/scalar-of-text.ts';
import type { FieldType, Value } from '#domain/values/value.ts';

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
  if (!type.array) return scalarOfText(type.base, text);
  const list = listOf(text);
  return list === undefined ? undefined : readValue(type, list);
};

/**
 * The text as JSON that a reader of JSON reads as the same value, or refuses where the text is
 * refused. Numbers keep their digits.
 */
export const cellJson = (type: FieldType, text: string): string => {
  if (!type.array) return jsonOfText(type.base, text);
  return listOf(text) === undefined ? JSON.stringify(text) : text.trim();
};
