/**
 * The SQL with which DuckDB turns rows of a file into JSON events of a source, one text per row. A
 * cell that does not fit its field is sent as text, so that the server rejects only that event,
 * with its reason.
 */
import type { FieldType } from '#domain/values/value.ts';
import { identifier, literal } from '../duckdb.ts';

export interface FileColumn {
  readonly name: string;
  /** type in DuckDB; for CSV always VARCHAR */
  readonly type: string;
}

export interface MappedField {
  readonly field: string;
  readonly type: FieldType;
  readonly column: FileColumn;
}

const JSON_NUMBER = '-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][-+]?[0-9]+)?';
const quoted = (sql: string): string => `CAST(to_json(CAST(${sql} AS VARCHAR)) AS VARCHAR)`;
const NUMBERS = new Set(['int', 'long', 'float', 'double']);

const ofText = (sql: string, { base, array, nullable }: FieldType): string => {
  if (array)
    return `CASE WHEN json_valid(${sql}) AND starts_with(trim(${sql}), '[') THEN ${sql} ELSE ${quoted(sql)} END`;
  if (NUMBERS.has(base))
    return `CASE WHEN regexp_full_match(trim(${sql}), '${JSON_NUMBER}') THEN trim(${sql}) ELSE ${quoted(sql)} END`;
  if (base === 'boolean')
    return `CASE WHEN lower(trim(${sql})) IN ('true', 'false') THEN lower(trim(${sql})) ELSE ${quoted(sql)} END`;
  if (base === 'timestamp')
    return `CASE WHEN regexp_full_match(${sql}, '-?[0-9]{9,15}') THEN ${sql} ELSE ${quoted(sql)} END`;
  // an empty cell of a text that may not be null is an empty text
  return base === 'string' && !nullable ? quoted(`coalesce(${sql}, '')`) : quoted(sql);
};

/** Each element has the form of a single value: values without a form in JSON are text. */
const ofList = (sql: string, element: string, type: FieldType): string => {
  const items = `list_transform(${sql}, lambda item: coalesce(${ofTyped('item', element, { ...type, array: false })}, 'null'))`;
  return `CASE WHEN ${sql} IS NULL THEN NULL ELSE '[' || coalesce(array_to_string(${items}, ','), '') || ']' END`;
};

const ofTyped = (sql: string, column: string, type: FieldType): string => {
  const { base } = type;
  if (column.endsWith('[]')) return ofList(sql, column.slice(0, -2), type);
  if (/^(TIMESTAMP|DATE)/.test(column) && base === 'timestamp') {
    return column.startsWith('TIMESTAMP WITH')
      ? `CAST(CAST(floor(epoch(${sql}) * 1000) AS BIGINT) AS VARCHAR)`
      : `CAST(epoch_ms(${sql}) AS VARCHAR)`;
  }
  if (column === 'DOUBLE' || column === 'FLOAT')
    return `CASE WHEN isfinite(${sql}) THEN CAST(to_json(${sql}) AS VARCHAR) ELSE ${quoted(sql)} END`;
  if (column.startsWith('DECIMAL') || column === 'HUGEINT')
    return `CAST(to_json(CAST(${sql} AS DOUBLE)) AS VARCHAR)`;
  if (column === 'BLOB') return quoted(`base64(${sql})`);
  return `CAST(to_json(${sql}) AS VARCHAR)`;
};

const valueSql = ({ type, column }: MappedField): string => {
  const sql = identifier(column.name);
  const value = column.type === 'VARCHAR' ? ofText(sql, type) : ofTyped(sql, column.type, type);
  return `coalesce(${value}, 'null')`;
};

/** The event as JSON, one VARCHAR per row. */
export const eventSql = (fields: readonly MappedField[]): string =>
  `'{' || ${fields.map((field) => `${literal(`${JSON.stringify(field.field)}:`)} || ${valueSql(field)}`).join(` || ',' || `)} || '}'`;
