/** The columns of a spine that a training set reads: times, entity keys, request inputs. */
import {
  isNumberType,
  type ResultColumn,
  type ResultValues,
} from '#domain/training-sets/columns.ts';
import type { CodedValues } from '#domain/training-sets/spine-keys.ts';
import type { FieldType, Scalar, Value } from '#domain/values/value.ts';

export interface SpineColumns {
  readonly times: Float64Array;
  readonly keys: Readonly<Record<string, CodedValues>>;
  readonly request: Readonly<Record<string, Pick<ResultColumn, 'type' | 'values'>>>;
}

/** A column's values, as numbers of rows are read: in the form of keys, and in that of inputs. */
export interface ReadColumn {
  readonly coded: () => CodedValues;
  readonly values: () => ResultValues;
}

export const columnOfNumbers = (numbers: Float64Array, { base }: FieldType): ReadColumn => ({
  coded() {
    const codes = new Int32Array(numbers.length);
    const values: Scalar[] = [];
    const codeOf = new Map<number, number>();
    for (let i = 0; i < numbers.length; i++) {
      const value = numbers[i] as number;
      let code = Number.isNaN(value) ? -1 : codeOf.get(value);
      if (code === undefined) {
        code = values.push(base === 'boolean' ? value === 1 : value) - 1;
        codeOf.set(value, code);
      }
      codes[i] = code;
    }
    return { codes, values };
  },
  values: () => numbers,
});

/** `values[code]` of each row; −1 is null. */
export const columnOfCodes = (codes: Int32Array, values: readonly Scalar[]): ReadColumn => ({
  coded: () => ({ codes, values }),
  values: () => Array.from(codes, (code) => (code < 0 ? null : (values[code] as Scalar))),
});

export const columnOfValues = (values: Value[]): ReadColumn => ({
  coded: () => ({ codes: new Int32Array(0), values: [] }),
  values: () => values,
});

/** Takes the values of a column one after the other. */
export interface ColumnCollector {
  add(value: Value): void;
  finish(): ReadColumn;
}

const FIRST_ROWS = 4096;

const numbers = (type: FieldType): ColumnCollector => {
  let values = new Float64Array(FIRST_ROWS);
  let count = 0;
  return {
    add(value) {
      if (count === values.length) {
        const grown = new Float64Array(count * 2);
        grown.set(values);
        values = grown;
      }
      values[count++] = value === null ? Number.NaN : Number(value);
    },
    finish: () => columnOfNumbers(values.slice(0, count), type),
  };
};

const texts = (): ColumnCollector => {
  let codes = new Int32Array(FIRST_ROWS);
  let count = 0;
  const values: string[] = [];
  const codeOf = new Map<string, number>();
  const codeFor = (text: string): number => {
    const found = codeOf.get(text);
    if (found !== undefined) return found;
    codeOf.set(text, values.length);
    return values.push(text) - 1;
  };
  return {
    add(value) {
      if (count === codes.length) {
        const grown = new Int32Array(count * 2);
        grown.set(codes);
        codes = grown;
      }
      codes[count++] = value === null ? -1 : codeFor(value as string);
    },
    finish: () => columnOfCodes(codes.slice(0, count), values),
  };
};

const lists = (): ColumnCollector => {
  const values: Value[] = [];
  return { add: (value) => void values.push(value), finish: () => columnOfValues(values) };
};

export const columnCollector = (type: FieldType): ColumnCollector => {
  if (isNumberType(type)) return numbers(type);
  return type.array ? lists() : texts();
};
