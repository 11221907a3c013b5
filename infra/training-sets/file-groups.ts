/** Files by the columns that they have: an engine reads files of equal columns together. */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { FileGroup } from '#domain/ports/join-engine.ts';
import { parquetSchemas } from '#domain/sql/duckdb/parquet-files.ts';

type Element = readonly [name: string, children: number, type: string];

/** The names of the columns: elements that are no part of another, after the root. */
const columnsOf = (elements: readonly Element[]): readonly string[] => {
  const columns: string[] = [];
  const after = (at: number): number => {
    let next = at + 1;
    for (let i = 0; i < (elements[at]?.[1] ?? 0); i++) next = after(next);
    return next;
  };
  for (let at = 1; at < elements.length; at = after(at)) columns.push((elements[at] as Element)[0]);
  return columns;
};

export const fileGroups = async (
  connection: DuckDBConnection,
  files: readonly string[],
): Promise<readonly FileGroup[]> => {
  if (files.length === 0) return [];
  const found = await connection.runAndReadAll(parquetSchemas(files));
  const schemas = new Map<string, Element[]>();
  for (const [file, name, children, type] of found.getRows()) {
    const elements = schemas.get(String(file)) ?? [];
    elements.push([String(name), Number(children), String(type)]);
    schemas.set(String(file), elements);
  }
  const groups = new Map<string, { files: string[]; columns: readonly string[] }>();
  for (const [file, elements] of schemas) {
    const id = JSON.stringify(elements.slice(1));
    const group = groups.get(id) ?? { files: [], columns: columnsOf(elements) };
    group.files.push(file);
    groups.set(id, group);
  }
  return [...groups.values()];
};
