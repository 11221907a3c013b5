/**
 * The tables of SQL by name. A name says what it is of, whether that is registered or not. Those of
 * sources and services have a prefix, those of views an ending: a view whose name begins with such
 * a prefix has no tables of SQL.
 */
import type { SqlTableOf, SqlTableRef } from '#domain/api/sql.ts';

const PREFIXES = [
  ['raw_', 'source'],
  ['served_', 'feature-service'],
] as const;

/** Which rows of a view's rollups a table has. `newest`: of the version, by the end of a period. */
export type RollupRows =
  | { readonly rows: 'newest'; readonly version: number }
  | { readonly rows: 'daily' | 'history' };

export const tableName = ({ kind, of }: SqlTableOf): string => {
  const prefix = PREFIXES.find(([, prefixed]) => prefixed === kind)?.[0] ?? '';
  return `${prefix}${of}`;
};

const ENDING = /^(.+)_(?:v([1-9]\d{0,8})|(daily|history))$/;

/** The view of a table of SQL, and which rows it has; null: it is of no view. */
export const viewTable = (name: string): (RollupRows & { readonly view: string }) | null => {
  const [, view, version, rows] = ENDING.exec(name) ?? [];
  if (view === undefined || PREFIXES.some(([prefix]) => name.startsWith(prefix))) return null;
  return version === undefined
    ? { view, rows: rows as 'daily' | 'history' }
    : { view, rows: 'newest', version: Number(version) };
};

/** The names of a view's tables. */
export const viewTableNames = (view: string, versions: readonly number[]): readonly string[] =>
  [...versions.map((version) => `${view}_v${version}`), `${view}_daily`, `${view}_history`].filter(
    (name) => viewTable(name)?.view === view,
  );

/** null: no table has such a name */
export const tableRef = (name: string): SqlTableRef | null => {
  const found = PREFIXES.find(([prefix]) => name.startsWith(prefix));
  if (found !== undefined) return { name, kind: found[1], of: name.slice(found[0].length) };
  const view = viewTable(name)?.view;
  return view === undefined ? null : { name, kind: 'feature-view', of: view };
};
