/** Columns of Iceberg tables, in the representation that expressions have of their types. */
import type { FieldType } from '#domain/values/value.ts';
import { quoted, type Syntax } from './syntax.ts';

/** @returns a number for a time and a date, the column itself for all else */
export const nativeColumn = (
  syntax: Syntax,
  bind: (sql: string) => string,
  name: string,
  { base, array }: FieldType,
): string => {
  const column = quoted(syntax, name);
  if (array) return column;
  if (base === 'timestamp') return bind(syntax.fromTimestamp(column));
  return base === 'date' ? bind(syntax.fromDate(column)) : column;
};
