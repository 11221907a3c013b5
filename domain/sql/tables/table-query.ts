/** The rows of a table of `millrace sql`, as a query of an engine that opens tables by name. */
import type { SqlFiles, SqlTable } from '#domain/ports/sql-engine.ts';
import { rollupRows } from './rollup-rows.ts';
import type { TableSyntax } from './table-syntax.ts';

const NONE = '(SELECT 1 AS _x) AS nothing WHERE _x = 0';

const fieldOf = ({ quoted, inCatalog = (field) => field }: TableSyntax, field: string): string =>
  quoted(inCatalog(field));

const below = (syntax: TableSyntax, { columns, below: cut }: SqlTable): string => {
  if (cut === undefined) return '';
  const own = (wanted: string): string =>
    fieldOf(syntax, columns.find(({ name }) => name === wanted)?.field ?? wanted);
  const [partition, offset] = [own(cut.partition), own(cut.offset)];
  const each = cut.offsets.map((end, i) => `(${partition} = ${i} AND ${offset} < ${end})`);
  return ` WHERE ${each.length === 0 ? '1 = 0' : each.join(' OR ')}`;
};

const storedRows = (
  syntax: TableSyntax,
  catalog: string,
  { columns, stored }: SqlFiles,
  where = '',
): string => {
  const { quoted, nulls } = syntax;
  const selected = columns
    .map(({ name, field, fieldId, type }) => {
      const value = fieldId === null || stored === null ? nulls(type) : fieldOf(syntax, field);
      return value === quoted(name) ? value : `${value} AS ${quoted(name)}`;
    })
    .join(', ');
  if (stored === null) return `SELECT ${selected} FROM ${NONE}`;
  const { table, after } = syntax.from(catalog, stored);
  return `SELECT ${selected} FROM ${table}${where}${after}`;
};

/** @param catalog the name that the engine has the catalog by */
export const tableQuery = (syntax: TableSyntax, catalog: string, table: SqlTable): string => {
  const sql = storedRows(syntax, catalog, table, below(syntax, table));
  if (table.rollup === undefined) return sql;
  const columns = table.columns.map(({ name }) => name);
  return rollupRows(syntax, { sql, columns }, table.rollup, (longer) =>
    storedRows(syntax, catalog, longer),
  );
};
