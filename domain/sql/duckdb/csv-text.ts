/**
 * CSV that Millrace writes. Rows are made here, as texts: DuckDB writes lists and bytes in forms
 * that nothing reads back, and would change cells that are copied from another file.
 */
import { columnKind, elementType } from './column-kind.ts';
import { identifier } from './names.ts';
import { dateText, timeText } from './times.ts';

const jsonString = (text: string): string => `CAST(to_json(${text}) AS VARCHAR)`;

/** JSON; null for null. A number that JSON lacks is a text. */
export const jsonText = (sql: string, type: string, depth = 0): string => {
  const text = plainText(sql, type, true);
  switch (columnKind(type)) {
    case 'whole':
    case 'decimal':
    case 'boolean':
      return text;
    case 'real':
      return `(CASE WHEN isfinite(${sql}) THEN ${text} ELSE ${jsonString(text)} END)`;
    case 'list':
      return jsonList(sql, type, depth);
    default:
      return jsonString(text);
  }
};

const jsonList = (sql: string, type: string, depth: number): string => {
  const item = `item${depth}`;
  const each = `coalesce(${jsonText(item, elementType(type), depth + 1)}, 'null')`;
  const items = `list_transform(${sql}, lambda ${item}: ${each})`;
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
      return jsonList(sql, type, 0);
    default:
      return `CAST(${sql} AS VARCHAR)`;
  }
};

const PLAIN: ReadonlySet<string> = new Set(['whole', 'decimal', 'real', 'boolean', 'date', 'time']);

/** Characters for which a cell needs quotes. To look for each one is faster than a pattern. */
const SPECIAL = [`'"'`, `','`, 'chr(13)', 'chr(10)'];

/** In quotes where the text needs them. A null is an empty cell, so an empty text is "". */
const quotedIfNeeded = (text: string, needed: string): string =>
  `(CASE WHEN ${text} = '' OR ${needed} THEN '"' || replace(${text}, '"', '""') || '"' ELSE ${text} END)`;

const quotedText = (text: string): string =>
  quotedIfNeeded(text, SPECIAL.map((char) => `contains(${text}, ${char})`).join(' OR '));

/** Of a text that is computed, which costs more than a pattern. */
const quotedComputed = (text: string): string =>
  quotedIfNeeded(text, `regexp_matches(${text}, '[",\\r\\n]')`);

/** @param zoned whether a timestamp without a zone is one in UTC, and is written so */
export const csvCell = (sql: string, type: string, zoned = false): string => {
  const text = plainText(sql, type, zoned);
  const kind = columnKind(type);
  if (PLAIN.has(kind)) return `coalesce(${text}, '')`;
  return `coalesce(${kind === 'text' ? quotedText(text) : quotedComputed(text)}, '')`;
};

/** A name in the header of a CSV file. */
export const csvName = (name: string): string =>
  /[",\r\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;

/**
 * A query that returns the lines of a file, for a COPY with `CSV_LINES`.
 * @param header the file's first line
 * @param cells of each row, as texts that are not null; a text may have several cells
 */
export const csvLines = (header: string, cells: readonly string[], from: string): string =>
  `SELECT concat(${cells.join(`, ',', `)}) AS ${identifier(header)} FROM ${from}`;

/** The options of a COPY that writes lines as they are. */
export const CSV_LINES = `FORMAT csv, HEADER true, QUOTE '', ESCAPE '', DELIMITER ','`;
