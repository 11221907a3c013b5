/**
 * A columnar batch as the rows that a plan's expressions read: one row object, filled again for
 * each event, so that millions of events allocate nothing. The function that fills it is generated
 * once for each scan, because writing a property by a constant name costs a tenth of writing it by
 * a variable.
 */

import type { ViewPlan } from '#domain/plan/plan.ts';
import type { CodedColumn, ScannedColumn, ScannedColumns } from '#domain/ports/history.ts';
import type { FieldType, Value } from '#domain/values/value.ts';

export type MutableRow = Record<string, Value>;

export interface EventRow {
  readonly row: MutableRow;
  /** sets the batch that `at` reads */
  use(batch: Pick<ScannedColumns, 'count' | 'columns'>): void;
  /** fills the row with event i of the batch */
  at(i: number): void;
}

export const isCoded = (column: ScannedColumn | undefined): column is CodedColumn =>
  column !== undefined && 'codes' in column;

type Fill = (row: MutableRow, columns: readonly ScannedColumn[], i: number) => void;

const read = (column: ScannedColumn, c: number, isBoolean: boolean): string => {
  if (isCoded(column))
    return `(columns[${c}].codes[i] < 0 ? null : columns[${c}].values[columns[${c}].codes[i]])`;
  if (!(column instanceof Float64Array)) return `columns[${c}][i]`;
  return isBoolean
    ? `(Number.isNaN(columns[${c}][i]) ? null : columns[${c}][i] === 1)`
    : `(Number.isNaN(columns[${c}][i]) ? null : columns[${c}][i])`;
};

/** The kinds of the columns, for which a fill is generated: an absent field has plain nulls. */
const shapeOf = (columns: readonly ScannedColumn[]): string =>
  columns
    .map((column) => (isCoded(column) ? 'c' : column instanceof Float64Array ? 'n' : 'v'))
    .join('');

export const eventRow = (fields: Readonly<Record<string, FieldType>>): EventRow => {
  const names = Object.keys(fields);
  const row: MutableRow = Object.fromEntries(names.map((name) => [name, null]));
  const generated = new Map<string, Fill>();
  let columns: readonly ScannedColumn[] = [];
  let fill: Fill = () => {};
  return {
    row,
    use(batch) {
      columns = names.map(
        (name) => batch.columns[name] ?? new Array<Value>(batch.count).fill(null),
      );
      const shape = shapeOf(columns);
      let made = generated.get(shape);
      if (made === undefined) {
        const lines = names.map(
          (name, c) =>
            `row[${JSON.stringify(name)}] = ${read(columns[c] as ScannedColumn, c, fields[name]?.base === 'boolean')};`,
        );
        made = new Function('row', 'columns', 'i', `'use strict'; ${lines.join('\n')}`) as Fill;
        generated.set(shape, made);
      }
      fill = made;
    },
    at: (i) => fill(row, columns, i),
  };
};

/** The entity of an event by its key fields; −1 where it is not among those of the spine. */
export interface EventEntities {
  use(batch: ScannedColumns): void;
  of(i: number): number;
}

const NOT_LOOKED_UP = -2;

/**
 * Entities with one or two string keys are looked up once for each distinct pair of codes; others
 * for each event.
 */
export const eventEntities = (
  plan: ViewPlan,
  event: EventRow,
  entityOf: (key: string) => number,
): EventEntities => {
  const byCode: number[] = [];
  const byPair: (Map<number, number> | undefined)[] = [];
  let first: Int32Array | null = null;
  let second: Int32Array | null = null;
  const fields = plan.keys.map(({ field }) => field);
  const look = (i: number): number => {
    event.at(i);
    const key = plan.keyOf(event.row);
    return key === null ? -1 : entityOf(key);
  };
  return {
    use(batch) {
      const columns = fields.map((field) => batch.columns[field]);
      const coded = columns.every(isCoded) && columns.length <= 2;
      first = coded ? (columns[0] as CodedColumn).codes : null;
      second = coded && columns.length === 2 ? (columns[1] as CodedColumn).codes : null;
      while (coded && byCode.length < (columns[0] as CodedColumn).values.length)
        byCode.push(NOT_LOOKED_UP);
    },
    of(i) {
      if (first === null) return look(i);
      const a = first[i] as number;
      if (a < 0) return -1;
      if (second === null) {
        const found = byCode[a] as number;
        if (found !== NOT_LOOKED_UP) return found;
        const entity = look(i);
        byCode[a] = entity;
        return entity;
      }
      const b = second[i] as number;
      if (b < 0) return -1;
      let pairs = byPair[a];
      if (pairs === undefined) {
        pairs = new Map();
        byPair[a] = pairs;
      }
      const found = pairs.get(b);
      if (found !== undefined) return found;
      const entity = look(i);
      pairs.set(b, entity);
      return entity;
    },
  };
};
