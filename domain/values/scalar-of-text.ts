/**
 * Values that come as text: a cell of a CSV file, `--entity id=17`, `?entity.id=17`. One rule for
 * all of them. Numbers have JSON's form, booleans are true or false in any case, times are ISO 8601
 * with a zone or epoch milliseconds. What the text means is then read as any other value.
 */
import { parseExactJson } from './exact-json.ts';
import { readScalar } from './read-value.ts';
import { isEpochText } from './time.ts';
import type { Scalar, ScalarType } from './value.ts';

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/;
const FLAG = /^(true|false)$/i;

/** The number or flag that the text is, in JSON; null: it is one for no reader of the type. */
const bareJson = (base: ScalarType, text: string): string | null => {
  switch (base) {
    case 'int':
    case 'long':
    case 'float':
    case 'double': {
      const bare = text.trim();
      return NUMBER.test(bare) ? bare : null;
    }
    case 'boolean': {
      const bare = text.trim();
      return FLAG.test(bare) ? bare.toLowerCase() : null;
    }
    case 'timestamp':
      return isEpochText(text) ? text : null;
    default:
      return null;
  }
};

/**
 * The text as JSON that means the same, numbers with their digits. Where the text has no meaning of
 * the type, it is a JSON string, which a reader of JSON refuses.
 */
export const jsonOfText = (base: ScalarType, text: string): string =>
  bareJson(base, text) ?? JSON.stringify(text);

/** What the text means in JSON. It need not be a value of the type: 1.5 as an int is a number. */
export const plainOfText = (base: ScalarType, text: string): unknown => {
  const bare = bareJson(base, text);
  return bare === null ? text : parseExactJson(bare);
};

/** The value in canonical form; undefined where the text has none of this type. */
export const scalarOfText = (base: ScalarType, text: string): Scalar | undefined =>
  readScalar(base, plainOfText(base, text));
