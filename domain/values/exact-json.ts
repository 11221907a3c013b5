/**
 * JSON whose numbers keep their digits where a double would change a whole number. `JSON.parse`
 * rounds 18446744073709551615 to 18446744073709552000, and 1.00000000000000000001 to 1, without a
 * word. Here such a number becomes an `ExactNumber`, which `JSON.stringify` writes with the digits
 * that were sent, so that a refusal can quote it and `rejected` keeps it.
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

/** Without one of these there is no such number. Most texts have none. */
const SUSPECT = /\d{16}|[eE]-\d{3}/;
const PARTS = /^-?(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/;

/** Whether a JSON number is whole, by its digits: 1.50e1 is. */
const isWholeText = (text: string): boolean => {
  const [, whole = '', fraction = '', exponent = '0'] = PARTS.exec(text) ?? [];
  const places = fraction.length - Number(exponent);
  return places <= 0 || /^0*$/.test((whole + fraction).slice(-places));
};

/** Whether a double has another whole part than the number that was written. */
const changesWhole = (value: number, source: string): boolean =>
  Number.isSafeInteger(value) ? !isWholeText(source) : /^-?\d+$/.test(source);

const exact = (_key: string, value: unknown, { source }: { readonly source?: string }): unknown =>
  typeof value === 'number' && source !== undefined && changesWhole(value, source)
    ? json.rawJSON(source)
    : value;

/** As JSON.parse, and throws as it does. */
export const parseExactJson = (text: string): unknown =>
  SUSPECT.test(text) ? json.parse(text, exact) : JSON.parse(text);

export const isExactNumber = (value: unknown): value is ExactNumber => json.isRawJSON(value);

/** A whole number from elsewhere than JSON, past what a double holds. */
export const exactNumber = (whole: bigint): ExactNumber => json.rawJSON(String(whole));
