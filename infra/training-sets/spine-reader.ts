/** Collects the columns that a training set reads, from cells that come one row at a time. */
import { TIME_COLUMN } from '#domain/training-sets/spine-of-values.ts';
import type { NamedType } from '#domain/training-sets/training-set-plan.ts';
import { fieldType } from '#domain/values/field-type.ts';
import type { Value } from '#domain/values/value.ts';
import {
  type ColumnCollector,
  columnCollector,
  type SpineColumns,
  type TextCollector,
} from './spine-columns.ts';
import { type Place, refuseNullTime, refuseTime, refuseValue } from './spine-refusals.ts';

export const TIME_TYPE = fieldType('timestamp');

/** What the columns are in a spine: a key and an input may be read from one column. */
export interface Wanted {
  readonly keys: readonly NamedType[];
  readonly request: readonly NamedType[];
  /** more rows are refused */
  readonly maxRows: number;
  /** ends the reading with its reason */
  readonly signal?: AbortSignal | undefined;
}

/** Rows between two looks at the signal. */
const ROWS_PER_LOOK = 8_192;

/** @returns to be called for each row; throws the reason of the signal soon after it is aborted */
export const rowLook = (signal: AbortSignal | undefined): (() => void) => {
  let rows = 0;
  return () => {
    if (rows++ % ROWS_PER_LOOK === 0) signal?.throwIfAborted();
  };
};

/** A cell as a value of a type; undefined where it is none. Null is null. */
export type ReadCell<Cell> = (type: NamedType['type'], cell: Cell) => Value | undefined;

/** A row of a spine; readers use one object for all rows, which costs none for each. */
export interface SpineRow<Cell> {
  cell(column: number): Cell;
  place(): Place;
  /** adds a cell to a column of strings, each of which is the text of its cell */
  addText?(column: number, to: TextCollector): void;
}

export interface SpineReader<Cell> {
  add(row: SpineRow<Cell>): void;
  finish(): SpineColumns;
}

export const spineReader = <Cell>(
  names: readonly string[],
  { keys, request, signal }: Pick<Wanted, 'keys' | 'request' | 'signal'>,
  read: ReadCell<Cell>,
): SpineReader<Cell> => {
  const look = rowLook(signal);
  const reading = (named: NamedType) => ({
    named,
    at: names.indexOf(named.name),
    collector: columnCollector(named.type),
  });
  type Column = ReturnType<typeof reading>;
  const isText = ({ named: { type } }: Column): boolean => type.base === 'string' && !type.array;
  const time = reading({ name: TIME_COLUMN, type: TIME_TYPE });
  const keyColumns = keys.map(reading);
  const inputColumns = request.map(reading);
  const columns = [...keyColumns, ...inputColumns].map((column) => ({
    ...column,
    text: isText(column) ? (column.collector as TextCollector) : null,
  }));
  const byName = <T>(
    of: readonly Column[],
    value: (column: ReturnType<ColumnCollector['finish']>, named: NamedType) => T,
  ): Readonly<Record<string, T>> =>
    Object.fromEntries(
      of.map(({ named, collector }) => [named.name, value(collector.finish(), named)]),
    );
  return {
    add(row) {
      look();
      const cell = row.cell(time.at);
      if (cell === null) refuseNullTime(row.place());
      const ms = read(TIME_TYPE, cell) ?? refuseTime(row.place(), cell, 'VARCHAR');
      time.collector.add(ms);
      for (const { named, at, collector, text } of columns) {
        if (text !== null && row.addText !== undefined) {
          row.addText(at, text);
          continue;
        }
        const one = row.cell(at);
        const value = one === null ? null : read(named.type, one);
        collector.add(value === undefined ? refuseValue(row.place(), named, one) : value);
      }
    },
    finish: () => ({
      times: time.collector.finish().values() as Float64Array,
      keys: byName(keyColumns, (column) => column.coded()),
      request: byName(inputColumns, (column, { type }) => ({ type, values: column.values() })),
    }),
  };
};
