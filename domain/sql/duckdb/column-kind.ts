/** What the columns of a file can be, by DuckDB's names of types. */

export type ColumnKind =
  | 'text'
  | 'whole'
  | 'decimal'
  | 'real'
  | 'boolean'
  | 'date'
  | 'time'
  | 'bytes'
  | 'list'
  | 'other';

const EXACT: Readonly<Record<string, ColumnKind>> = {
  VARCHAR: 'text',
  UUID: 'text',
  DOUBLE: 'real',
  FLOAT: 'real',
  BOOLEAN: 'boolean',
  DATE: 'date',
  BLOB: 'bytes',
};

export const columnKind = (type: string): ColumnKind => {
  if (type.endsWith('[]')) return 'list';
  if (type.startsWith('ENUM(')) return 'text';
  if (type.startsWith('DECIMAL(')) return 'decimal';
  if (/^TIMESTAMP(_S|_MS|_NS| WITH TIME ZONE)?$/.test(type)) return 'time';
  if (/^U?((TINY|SMALL|BIG|HUGE)INT|INTEGER)$/.test(type)) return 'whole';
  return EXACT[type] ?? 'other';
};

/** The type of a list's elements. */
export const elementType = (list: string): string => list.slice(0, -2);
