/** Cells of a CSV file that Millrace writes, as text that it can read again. */
import { columnKind, elementType } from './column-kind.ts';
import { dateText, timeText } from './times.ts';

/** In quotes where it needs them: null is an empty cell, so an empty text is "". */
const cell = (text: string): string =>
  `(CASE WHEN ${text} = '' OR regexp_matches(${text}, '[",\\r\\n]') THEN '"' || replace(${text}, '"', '""') || '"' ELSE ${text} END)`;

const quoted = (text: string): string => `CAST(to_json(${text}) AS VARCHAR)`;

/** JSON, null for null. Numbers that JSON lacks are texts. */
const json = (sql: string, type: string): string => {
  switch (columnKind(type)) {
    case 'whole':
    case 'decimal':
    case 'boolean':
      return `CAST(${sql} AS VARCHAR)`;
    case 'real':
      return `(CASE WHEN isfinite(${sql}) THEN CAST(${sql} AS VARCHAR) ELSE ${quoted(`CAST(${sql} AS VARCHAR)`)} END)`;
    case 'list':
      return jsonList(sql, type);
    default:
      return quoted(plainText(sql, type, true));
  }
};

const jsonList = (sql: string, type: string): string => {
  const items = `list_transform(${sql}, lambda item: coalesce(${json('item', elementType(type))}, 'null'))`;
  return `(CASE WHEN ${sql} IS NOT NULL THEN '[' || coalesce(array_to_string(${items}, ','), '') || ']' END)`;
};

const plainText = (sql: string, type: string, zoned: boolean): string => {
  switch (columnKind(type)) {
    case 'date':
      return dateText(sql);
    case 'time':
      return timeText(sql, type, zoned);
    case 'bytes':
      return `base64(${sql})`;
    case 'list':
      return jsonList(sql, type);
    default:
      return `CAST(${sql} AS VARCHAR)`;
  }
};

/** The cell's text; it needs no quotes unless it is a text or a list. */
const NEVER_QUOTED: ReadonlySet<string> = new Set([
  'whole',
  'decimal',
  'real',
  'boolean',
  'date',
  'time',
  'bytes',
]);

/** @param zoned whether a timestamp without a zone is one in UTC */
export const csvCell = (sql: string, type: string, zoned = false): string => {
  const text = plainText(sql, type, zoned);
  return `coalesce(${NEVER_QUOTED.has(columnKind(type)) ? text : cell(text)}, '')`;
};

/** A row of cells, as one text. */
export const csvRow = (cells: readonly string[]): string => cells.join(` || ',' || `);

/** A name in the header of a CSV file. */
export const csvName = (name: string): string =>
  /[",\r\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
