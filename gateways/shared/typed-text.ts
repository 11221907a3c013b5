/**
 * Values that are written as text (`--entity id=17`, `?entity.id=17`), read as their declared type.
 */
import { fail } from '#domain/errors.ts';
import { parseDate } from '#domain/values/date.ts';
import { parseTime } from '#domain/values/time.ts';
import type { Scalar, ScalarType } from '#domain/values/value.ts';

const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
]);

export const typedText = (name: string, type: ScalarType, text: string): Scalar => {
  const no = (what: string): never =>
    fail('MR_ENTITY_INVALID', `"${name}" must be ${what}, not ${JSON.stringify(text)}`, {
      name,
      type,
      value: text,
    });
  switch (type) {
    case 'string':
    case 'bytes':
      return text;
    case 'boolean':
      return FLAGS.get(text) ?? no('true or false');
    case 'timestamp':
      return parseTime(text);
    case 'date':
      return parseDate(text);
    case 'int':
    case 'long':
      return /^-?\d+$/.test(text) && Number.isSafeInteger(Number(text))
        ? Number(text)
        : no(`a whole number (${type})`);
    default:
      return text.trim() !== '' && Number.isFinite(Number(text))
        ? Number(text)
        : no(`a number (${type})`);
  }
};
