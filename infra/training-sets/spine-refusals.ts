/** Why a spine is refused: each error names the row and the column, and says what to do. */

import { fail } from '#domain/errors.ts';
import { TIME_COLUMN } from '#domain/training-sets/spine-of-values.ts';
import type { NamedType } from '#domain/training-sets/training-set-plan.ts';
import { formatFieldType } from '#domain/values/field-type.ts';
import { unitHint, whyNoTime } from '#domain/values/time.ts';

/** Where a value is; rows are counted from 1, without the header. */
export interface Place {
  readonly row: number;
  /** of a CSV file */
  readonly line?: number;
}

const at = ({ row, line }: Place): string =>
  `row ${row} of the spine${line === undefined ? '' : ` (line ${line})`}`;

const whyNot = (value: unknown, type: string): string => {
  const text = String(value);
  const number = /^-?\d+(\.0+)?$/.test(text) ? Number(text) : Number.NaN;
  const hint = unitHint(number);
  if (hint !== null) return `${text} ${hint}`;
  if (type === 'VARCHAR') return `${JSON.stringify(text)} ${whyNoTime(text)}`;
  if (type === 'DATE') return `${text} is a date, not a point in time: make the column a timestamp`;
  return `${text} (${type}) is not a time: make ${TIME_COLUMN} a timestamp with a zone, or epoch milliseconds`;
};

export const refuseNullTime = (place: Place): never =>
  fail('MR_SPINE_INVALID', `${TIME_COLUMN} of ${at(place)} is null: set it, or remove the row`, {
    column: TIME_COLUMN,
    ...place,
    value: null,
  });

/** @param type DuckDB's name of the column's type; VARCHAR for texts */
export const refuseTime = (place: Place, value: unknown, type: string): never =>
  fail('MR_SPINE_INVALID', `${TIME_COLUMN} of ${at(place)}: ${whyNot(value, type)}`, {
    column: TIME_COLUMN,
    ...place,
    value,
  });

/** @param column DuckDB's name of the column's type, where that says something */
export const refuseValue = (
  place: Place,
  { name, type }: NamedType,
  value: unknown,
  column = 'VARCHAR',
): never => {
  const hint = type.base === 'timestamp' ? unitHint(Number(value)) : null;
  const what = hint === null ? '' : `, which ${hint}`;
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  const shown = column === 'VARCHAR' ? text : `${text} (${column})`;
  return fail(
    'MR_SPINE_INVALID',
    `column "${name}" of ${at(place)} is ${shown}, and it must be ${formatFieldType(type)}${what}: correct the value`,
    { column: name, ...place, value },
  );
};

const list = (names: readonly string[]): string =>
  names.map((name) => (/^[\w.-]+$/.test(name) ? name : JSON.stringify(name))).join(', ');

/** @throws MR_SPINE_INVALID where a column is missing, or two have one name */
export const checkNames = (
  names: readonly string[],
  keys: readonly NamedType[],
  request: readonly NamedType[],
): void => {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    fail('MR_SPINE_INVALID', `the spine has two columns ${JSON.stringify(twice)}: rename one`, {
      column: twice,
    });
  const check = (name: string, what: string): void => {
    if (names.includes(name)) return;
    const like = names.find((other) => other.toLowerCase() === name.toLowerCase());
    const hint =
      like === undefined
        ? `it has ${list(names)}; add the column`
        : `it has "${like}"; rename that, because case matters`;
    fail('MR_SPINE_INVALID', `the spine has no column "${name}", ${what}: ${hint}`, {
      column: name,
      columns: names,
    });
  };
  check(TIME_COLUMN, 'the time of each row');
  for (const { name, type } of keys) check(name, `an entity key (${type.base})`);
  for (const { name, type } of request)
    check(name, `a request input of an on-demand feature (${type.base})`);
};

/**
 * DuckDB writes no Parquet file with such columns.
 * @throws MR_SPINE_INVALID where a column has no name, or two names differ only in case
 */
export const checkParquetNames = (names: readonly string[]): void => {
  const seen = new Map<string, string>();
  names.forEach((name, i) => {
    if (name === '')
      fail(
        'MR_SPINE_INVALID',
        `column ${i + 1} of the spine has no name, which a Parquet file needs: name it, or write CSV`,
        { column: name },
      );
    const like = seen.get(name.toLowerCase());
    if (like !== undefined)
      fail(
        'MR_SPINE_INVALID',
        `the columns "${like}" and "${name}" of the spine differ only in case, which a Parquet file cannot have: rename one, or write CSV`,
        { column: name, like },
      );
    seen.set(name.toLowerCase(), name);
  });
};
