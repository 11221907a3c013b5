/**
 * How the rows of two data sets differ. A row is found again by its entity keys and its time; where
 * several rows have both in common, the first goes with the first, the second with the second.
 * Values are those of JSON; numbers that a double would change are texts, and so are NaN and
 * infinities.
 */
import { fail } from '#domain/errors.ts';

export interface RowPlace {
  /** entity key → value */
  readonly key: Readonly<Record<string, unknown>>;
  readonly time: unknown;
  /** which of the rows of this key and time it is, from 1 */
  readonly nth: number;
}

export interface ChangedValue extends RowPlace {
  readonly first: unknown;
  readonly second: unknown;
}

export interface ColumnChanges {
  readonly column: string;
  /** rows of both whose values differ */
  readonly changed: number;
  /** DuckDB's types, where they differ; the values are compared as numbers, times or texts then */
  readonly types?: { readonly first: string; readonly second: string };
  /** the first ones, in the order of the first data set */
  readonly examples: readonly ChangedValue[];
}

/** Columns or rows that only one of the two has. */
export interface OfOne<T> {
  readonly first: readonly T[];
  readonly second: readonly T[];
}

export interface RowDiff {
  /** the entity keys by which rows are found again, beside their time */
  readonly keys: readonly string[];
  readonly rows: { readonly first: number; readonly second: number };
  /** rows of both with the same values in all columns of both */
  readonly same: number;
  readonly changed: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  /** columns of both that differ, in the order of the first data set */
  readonly columns: readonly ColumnChanges[];
  readonly columnsOfOne: OfOne<string>;
  /** the first rows that only one of the two has */
  readonly rowsOfOne: OfOne<RowPlace>;
}

export const DEFAULT_EXAMPLES = 5;
export const MAX_EXAMPLES = 100;

/** @throws MR_PARAMETER_INVALID */
export const checkExamples = (examples: number): number =>
  Number.isInteger(examples) && examples >= 0 && examples <= MAX_EXAMPLES
    ? examples
    : fail(
        'MR_PARAMETER_INVALID',
        `"examples" must be a whole number from 0 to ${MAX_EXAMPLES}, not ${examples}`,
        { parameter: 'examples', maximum: MAX_EXAMPLES },
      );

/** Of two data sets with the same bytes. */
export const noRowDiffers = (keys: readonly string[], rows: number): RowDiff => ({
  keys,
  rows: { first: rows, second: rows },
  same: rows,
  changed: 0,
  onlyFirst: 0,
  onlySecond: 0,
  columns: [],
  columnsOfOne: { first: [], second: [] },
  rowsOfOne: { first: [], second: [] },
});
