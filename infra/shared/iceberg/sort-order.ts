/**
 * A table's sort order: each data file is sorted by the keys of its entities and by event time, and
 * has small row groups, so that one entity is found without decoding a day (point-read.ts). Readers
 * must not rely on it: files that were written before are in another order.
 */
import type { IcebergField } from './schema.ts';

export interface SortField {
  readonly transform: 'identity';
  readonly 'source-id': number;
  readonly direction: 'asc';
  readonly 'null-order': 'nulls-first';
}

export interface SortOrder {
  readonly 'order-id': number;
  readonly fields: readonly SortField[];
}

/** What the metadata of a table say of its orders. */
interface Ordered {
  readonly 'sort-orders': readonly SortOrder[];
  readonly 'default-sort-order-id': number;
}

/** Iceberg's id of "no order". */
export const UNSORTED = 0;

const defaultOrder = (table: Ordered): SortOrder | undefined =>
  table['sort-orders'].find((order) => order['order-id'] === table['default-sort-order-id']);

const idsOf = ({ fields }: SortOrder): string => fields.map((f) => f['source-id']).join(',');

/** The columns of the order, first to last; empty: files are not sorted. */
export const sortColumns = (
  table: Ordered,
  fields: readonly IcebergField[],
): readonly IcebergField[] => {
  const byId = new Map(fields.map((field) => [field.id, field]));
  return (defaultOrder(table)?.fields ?? []).flatMap((f) => byId.get(f['source-id']) ?? []);
};

/** Without an order that names a column that the table no longer has. */
export const withValidOrder = <T extends Ordered>(table: T, fields: readonly IcebergField[]): T => {
  const ids = new Set(fields.map(({ id }) => id));
  const order = defaultOrder(table);
  return order === undefined || order.fields.every((f) => ids.has(f['source-id']))
    ? table
    : { ...table, 'default-sort-order-id': UNSORTED };
};

/**
 * The table with this order of its new files; the same table where it has it, or lacks a column.
 * @param names keys first, then the event time
 */
export const withSortOrder = <T extends Ordered>(
  table: T,
  fields: readonly IcebergField[],
  names: readonly string[],
): T => {
  const byName = new Map(fields.map((field) => [field.name, field]));
  const columns = names.flatMap((name) => byName.get(name) ?? []);
  if (columns.length < names.length || columns.some(({ type }) => typeof type !== 'string'))
    return table;
  const order: SortOrder = {
    'order-id': Math.max(UNSORTED, ...table['sort-orders'].map((o) => o['order-id'])) + 1,
    fields: columns.map(({ id }) => ({
      transform: 'identity',
      'source-id': id,
      direction: 'asc',
      'null-order': 'nulls-first',
    })),
  };
  const had = table['sort-orders'].find((one) => idsOf(one) === idsOf(order));
  if (had !== undefined)
    return had['order-id'] === table['default-sort-order-id']
      ? table
      : { ...table, 'default-sort-order-id': had['order-id'] };
  return {
    ...table,
    'sort-orders': [...table['sort-orders'], order],
    'default-sort-order-id': order['order-id'],
  };
};
