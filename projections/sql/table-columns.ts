/**
 * The columns of a table of SQL: those of the Iceberg table, and the fields that were registered
 * since its newest commit, which are null in all rows. Engines of SQL do not tell upper from lower
 * case in names, so no two columns differ in that alone.
 */
import type { SqlTableColumn } from '#domain/api/sql.ts';
import type { HistoryFileColumn } from '#domain/ports/history.ts';
import type { SqlFileColumn } from '#domain/ports/sql-engine.ts';
import type { FieldType } from '#domain/values/value.ts';

export type TableColumn = SqlFileColumn & Pick<SqlTableColumn, 'description'>;

const META: Readonly<Record<string, { readonly name: string; readonly description: string }>> = {
  _partition: { name: 'log_partition', description: 'partition of the log' },
  _offset: { name: 'log_offset', description: 'offset in the partition of the log' },
  _log_time: { name: 'log_time', description: 'when the log accepted the record' },
};

/** Iceberg's type of a field; of the columns that the table does not have yet. */
export const icebergType = ({ base, array }: FieldType): string => {
  const scalar = base === 'timestamp' ? 'timestamptz' : base === 'bytes' ? 'binary' : base;
  return array ? `list<${scalar}>` : scalar;
};

/** As definitions name an Iceberg type. */
export const typeText = (type: string): string =>
  type
    .replace('timestamptz', 'timestamp')
    .replace('binary', 'bytes')
    .replace(/^list</, 'array<');

/** A name that is not taken: itself, or with a number after it. */
export const freeName = (wanted: string, taken: Set<string>): string => {
  let name = wanted;
  for (let i = 2; taken.has(name.toLowerCase()); i++) name = `${wanted}_${i}`;
  taken.add(name.toLowerCase());
  return name;
};

export const tableColumns = (
  stored: readonly HistoryFileColumn[],
  registered: Readonly<Record<string, FieldType>>,
  descriptions: Readonly<Record<string, string>>,
): readonly TableColumn[] => {
  const has = new Set(stored.map(({ name }) => name));
  const all = [
    ...stored.map(({ name, id, type }) => ({ field: name, fieldId: id, type })),
    ...Object.entries(registered)
      .filter(([name]) => !has.has(name))
      .map(([name, type]) => ({ field: name, fieldId: null, type: icebergType(type) })),
    ...Object.keys(META)
      .filter((name) => !has.has(name))
      .map((field) => ({
        field,
        fieldId: null,
        type: field === '_log_time' ? 'timestamptz' : field === '_offset' ? 'long' : 'int',
      })),
  ];
  const taken = new Set<string>();
  // Fields keep their names; what the platform adds makes way.
  const ordered = [
    ...all.filter(({ field }) => META[field] === undefined),
    ...all.filter(({ field }) => META[field] !== undefined),
  ];
  return ordered.map(({ field, ...column }) => ({
    ...column,
    field,
    name: freeName(META[field]?.name ?? field, taken),
    description: META[field]?.description ?? descriptions[field] ?? null,
  }));
};
