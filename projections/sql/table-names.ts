/** The tables of SQL by name. A name says what it is of, whether that is registered or not. */
import type { SqlTableOf, SqlTableRef } from '#domain/api/sql.ts';

const PREFIXES = [
  ['raw_', 'source'],
  ['served_', 'feature-service'],
] as const;

export const tableName = ({ kind, of }: SqlTableOf): string => {
  const prefix = PREFIXES.find(([, prefixed]) => prefixed === kind)?.[0] ?? '';
  return `${prefix}${of}`;
};

/** null: no table has such a name */
export const tableRef = (name: string): SqlTableRef | null => {
  const found = PREFIXES.find(([prefix]) => name.startsWith(prefix));
  return found === undefined ? null : { name, kind: found[1], of: name.slice(found[0].length) };
};
