/**
 * JSON whose large whole numbers keep their digits. `JSON.parse` rounds 18446744073709551615 to
 * 18446744073709552000 without a word. Here a whole number outside ±(2^53 − 1) becomes an
 * `ExactNumber`, which `JSON.stringify` writes with the digits that were sent, so that a refusal
 * can quote it and `rejected` keeps it.
 */

/** JavaScript's raw JSON: an object of its own kind, with the text of one JSON value. */
export interface ExactNumber {
  readonly rawJSON: string;
}

interface ExactParser {
  parse(
    text: string,
    reviver?: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): ExactNumber;
  isRawJSON(value: unknown): value is ExactNumber;
}

const json = JSON as unknown as ExactParser;

/** Without so many digits in a row there is no such number. Most texts have none. */
const MANY_DIGITS = /\d{16}/;
const WHOLE = /^-?\d+$/;

const exact = (_key: string, value: unknown, { source }: { readonly source?: string }): unknown =>
  typeof value === 'number' &&
  !Number.isSafeInteger(value) &&
  source !== undefined &&
  WHOLE.test(source)
    ? json.rawJSON(source)
    : value;

/** As JSON.parse, and throws as it does. */
export const parseExactJson = (text: string): unknown =>
  MANY_DIGITS.test(text) ? json.parse(text, exact) : JSON.parse(text);

export const isExactNumber = (value: unknown): value is ExactNumber => json.isRawJSON(value);
