/**
 * Adds and widens columns of an Iceberg table through Flink: only the engine that writes a table
 * changes it.
 */
import type { ColumnChange } from '#infra/shared/iceberg/ensure-table.ts';

const FLINK_TYPE: Readonly<Record<string, string>> = {
  string: 'STRING',
  int: 'INT',
  long: 'BIGINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  timestamptz: 'TIMESTAMP_LTZ(6)',
  date: 'DATE',
  binary: 'BYTES',
};

const flinkType = (type: string): string =>
  type.startsWith('list<')
    ? `ARRAY<${FLINK_TYPE[type.slice(5, -1)]}>`
    : (FLINK_TYPE[type] ?? 'STRING');

const column = ({ name, type, required }: ColumnChange): string =>
  `\`${name}\` ${flinkType(type)}${required ? ' NOT NULL' : ''}`;

/** The statements; none where nothing changes. */
export const icebergColumnsSql = (
  table: string,
  changes: readonly ColumnChange[],
): readonly string[] =>
  (['add', 'widen'] as const).flatMap((kind) => {
    const columns = changes.filter(({ change }) => change === kind).map(column);
    return columns.length === 0
      ? []
      : [`ALTER TABLE ${table} ${kind === 'add' ? 'ADD' : 'MODIFY'} (${columns.join(', ')})`];
  });
