/** CSV and Parquet files as events: columns are matched to fields by name or by `--map`. */
import { fail } from '#domain/errors.ts';
import { readFieldType } from '#domain/values/field-type.ts';
import { fileError, literal, openDuckDb, withDuckDb } from '../duckdb.ts';
import { type Batch, createBatcher, type ReadOptions } from './batch.ts';
import { eventSql, type FileColumn, type MappedField } from './event-sql.ts';
import { checkWholeGzip } from './whole-gzip.ts';

export interface TableFile {
  readonly file: string;
  readonly format: 'csv' | 'parquet';
  readonly fields: Readonly<Record<string, string>>;
  /** source field → column */
  readonly map: ReadonlyMap<string, string>;
  readonly ignoreExtra: boolean;
}

const scanOf = ({ file, format }: TableFile): string => {
  const name = literal(file === '-' ? '/dev/stdin' : file);
  return format === 'parquet'
    ? `read_parquet(${name})`
    : `read_csv(${name}, header = true, all_varchar = true, allow_quoted_nulls = false)`;
};

const matchColumns = (table: TableFile, columns: readonly FileColumn[]): MappedField[] => {
  const { file, fields, map, ignoreExtra } = table;
  const byName = new Map(columns.map((column) => [column.name, column]));
  const names = [...byName.keys()].join(', ');
  for (const [field, column] of map) {
    if (!Object.hasOwn(fields, field))
      fail(
        'MR_FILE_INVALID',
        `--map ${field}=${column}: the source has no field "${field}"; it has ${Object.keys(fields).join(', ')}`,
        { field },
      );
    if (!byName.has(column))
      fail(
        'MR_FILE_INVALID',
        `--map ${field}=${column}: ${file} has no column "${column}"; it has ${names}`,
        { column },
      );
  }
  const mapped: MappedField[] = [];
  for (const [field, text] of Object.entries(fields)) {
    const column = byName.get(map.get(field) ?? field);
    const type = readFieldType(text);
    if (type === undefined) continue;
    if (column !== undefined) mapped.push({ field, type, column });
    else if (!type.nullable)
      fail(
        'MR_FILE_INVALID',
        `${file} has no column for the field "${field}"; it has ${names}: choose one with --map ${field}=COLUMN`,
        { field },
      );
  }
  const used = new Set(mapped.map((field) => field.column.name));
  const extra = [...byName.keys()].filter((name) => !used.has(name));
  if (extra.length > 0 && !ignoreExtra) {
    fail(
      'MR_FILE_INVALID',
      `${file} has columns that are not fields of the source: ${extra.join(', ')}; ignore them with --ignore-extra, or match them with --map`,
      { columns: extra },
    );
  }
  return mapped;
};

/** `skip` and `limit` count rows, which are the producer's numbers for a file. */
export async function* tableBatches(
  table: TableFile,
  { skip, limit }: ReadOptions,
): AsyncGenerator<Batch> {
  if (table.file !== '-') await checkWholeGzip(table.file);
  const scan = scanOf(table);
  const columns = await withDuckDb(table.file, async (connection) => {
    const reader = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${scan}`);
    return reader
      .getRowObjects()
      .map((row) => ({ name: String(row.column_name), type: String(row.column_type) }));
  });
  const rows = Number.isFinite(limit) ? `LIMIT ${Math.max(0, limit - skip)}` : '';
  const sql = `SELECT ${eventSql(matchColumns(table, columns))} FROM ${scan} ${rows} OFFSET ${skip}`;
  yield* stream(table.file, sql, skip);
}

async function* stream(file: string, sql: string, skip: number): AsyncGenerator<Batch> {
  const { connection, close } = await openDuckDb();
  const batcher = createBatcher(skip);
  try {
    const result = await connection.stream(sql);
    for (;;) {
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) break;
      for (const event of chunk.getColumnValues(0)) {
        const full = batcher.add(event as string);
        if (full !== null) yield full;
      }
    }
    const rest = batcher.rest();
    if (rest !== null) yield rest;
  } catch (error) {
    throw fileError(file, error);
  } finally {
    close();
  }
}
