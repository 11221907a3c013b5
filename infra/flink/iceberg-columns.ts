/** Columns that an Iceberg table lacks, added through Flink: the engine that writes a table is the one that changes it. */
import type { MissingColumn } from '#infra/iceberg/ensure-table.ts';

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
  type.startsWith('list<') ? `ARRAY<${FLINK_TYPE[type.slice(5, -1)]}>` : (FLINK_TYPE[type] ?? 'STRING');

/** None where nothing is missing. */
export const icebergColumnsSql = (table: string, missing: readonly MissingColumn[]): readonly string[] =>
  missing.length === 0
    ? []
    : [`ALTER TABLE ${table} ADD (${missing.map(({ name, type }) => `\`${name}\` ${flinkType(type)}`).join(', ')})`];
