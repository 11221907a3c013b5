/** The columns of a spine that a training set reads: times, entity keys, request inputs. */
import {
  isNumberType,
  type ResultColumn,
  type ResultValues,
} from '#domain/training-sets/columns.ts';
import type { CodedValues } from '#domain/training-sets/spine-keys.ts';
import type { FieldType, Scalar, Value } from '#domain/values/value.ts';
import { textCodes } from '#infra/shared/text-codes.ts';

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

export interface TextCollector extends ColumnCollector {
  /** @param bytes UTF-8 */
  addBytes(bytes: Uint8Array, start: number, end: number): void;
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

const utf8 = new TextEncoder();

export const textCollector = (): TextCollector => {
  let codes = new Int32Array(FIRST_ROWS);
  let count = 0;
  const known = textCodes();
  const addCode = (code: number): void => {
    if (count === codes.length) {
      const grown = new Int32Array(count * 2);
      grown.set(codes);
      codes = grown;
    }
    codes[count++] = code;
  };
  const addBytes = (bytes: Uint8Array, start: number, end: number): void =>
    addCode(known.codeOf(bytes, start, end));
  return {
    addBytes,
    add(value) {
      if (value === null) return addCode(-1);
      const bytes = utf8.encode(value as string);
      return addBytes(bytes, 0, bytes.length);
    },
    finish: () => columnOfCodes(codes.slice(0, count), known.values),
  };
};

const lists = (): ColumnCollector => {
  const values: Value[] = [];
  return { add: (value) => void values.push(value), finish: () => columnOfValues(values) };
};

export const columnCollector = (type: FieldType): ColumnCollector => {
  if (isNumberType(type)) return numbers(type);
  return type.array ? lists() : textCollector();
};
