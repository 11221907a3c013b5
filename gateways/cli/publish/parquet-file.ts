/** Parquet files as events: DuckDB makes the JSON, except of texts that must be parsed. */
import { fail, MillraceError } from '#domain/errors.ts';
import { cellJson } from '#domain/files/file-cell.ts';
import { accepts, isParsed, jsonSql } from '#domain/sql/duckdb/field-values.ts';
import { literal } from '#domain/sql/duckdb/names.ts';
import { columnName, parquetCount, parquetRows } from '#domain/sql/duckdb/parquet-files.ts';
import {
  needsExactNanos,
  type ParquetTable,
  parquetTable,
  type Query,
  tableWithoutZones,
} from '#domain/sql/duckdb/parquet-table.ts';
import type { Strings } from '#domain/sql/duckdb/string-vector.ts';
import { formatFieldType } from '#domain/values/field-type.ts';
import type { FieldType } from '#domain/values/value.ts';
import { type JsonBytes, putBytes, putRaw, reserve } from '#gateways/http/json-bytes.ts';
import { type NaiveCopy, naiveCopy } from '#infra/shared/files/naive-copy.ts';
import { fileError, openDuckDb, queryOf, stringColumn } from '../duckdb.ts';
import { type Batch, createByteBatcher, type ReadOptions } from './batch.ts';
import { cellPutter } from './event-bytes.ts';
import { type MatchedField, type Matching, matchColumns } from './match-columns.ts';

/** A column of the query: JSON, or a text that is parsed for its field. */
type Piece = { readonly sql: string; readonly parsed: FieldType | null };

const piecesOf = (fields: readonly MatchedField[], types: readonly string[]): readonly Piece[] => {
  const pieces: Piece[] = [];
  let json: string[] = [];
  const endJson = (): void => {
    if (json.length > 0) pieces.push({ sql: `concat(${json.join(', ')})`, parsed: null });
    json = [];
  };
  fields.forEach(({ field, type, column }, i) => {
    const sql = columnName(column);
    const columnType = types[column] as string;
    json.push(literal(`${i === 0 ? '{' : ','}${JSON.stringify(field)}:`));
    if (!isParsed(columnType, type))
      json.push(`coalesce(${jsonSql(sql, columnType, type)}, 'null')`);
    else {
      endJson();
      pieces.push({ sql: `CAST(${sql} AS VARCHAR)`, parsed: type });
    }
  });
  json.push(`'}'`);
  endJson();
  return pieces;
};

const whyNot = (column: string, type: FieldType): string => {
  if (column === 'DATE' && type.base === 'timestamp')
    return 'a date is not a point in time: write the column as a timestamp with a zone';
  return `write the column as ${type.array ? `a list of ${type.base}` : type.base}`;
};

/** A column whose type the field cannot have may only have nulls. */
const checkTypes = async (
  query: Query,
  file: string,
  fields: readonly MatchedField[],
  { names, types, unreadable }: ParquetTable,
): Promise<void> => {
  const refuse = ({ column, field }: MatchedField, why: string): never =>
    fail('MR_FILE_INVALID', `${file}: column ${JSON.stringify(names[column])} ${why}`, {
      column: names[column],
      field,
    });
  for (const matched of fields) {
    const why = unreadable[matched.column] ?? null;
    if (why !== null) refuse(matched, why);
  }
  const wrong = fields.filter(({ column, type }) => !accepts(types[column] as string, type));
  if (wrong.length === 0) return;
  const counts = wrong.map(({ column }) => `count(${columnName(column)})::DOUBLE`);
  const [counted] = await query(
    `SELECT ${counts.join(', ')} FROM ${parquetRows(file, names.length)}`,
  );
  const matched = wrong.find((_, i) => Number(counted?.[i]) > 0);
  if (matched === undefined) return;
  const type = types[matched.column] as string;
  refuse(
    matched,
    `is ${type}, and the field "${matched.field}" is ${formatFieldType(matched.type)}: ${whyNot(type, matched.type)}`,
  );
};

const NULL = Buffer.from('null');
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** Writes a row of the query's results as an event. */
const writerOf = (
  pieces: readonly Piece[],
): ((out: JsonBytes, columns: readonly Strings[], row: number) => void) => {
  const puts = pieces.map(({ parsed }) => (parsed === null ? null : cellPutter(parsed)));
  return (out, columns, row) => {
    for (let i = 0; i < pieces.length; i++) {
      const { bytes: all, starts, ends } = columns[i] as Strings;
      const bytes = all[row] ?? null;
      const [start, end] = [starts[row] as number, ends[row] as number];
      const put = puts[i] ?? null;
      if (bytes === null) putBytes(out, NULL);
      else if (put === null) putBytes(out, bytes.subarray(start, end));
      else {
        reserve(out, end - start + 2);
        if (!put(out, bytes, start, end)) {
          const text = utf8.decode(bytes.subarray(start, end));
          putRaw(out, cellJson(pieces[i]?.parsed as FieldType, text));
        }
      }
    }
  };
};

/** `skip` and `limit` count rows, which are the producer's numbers for a file. */
export async function* parquetBatches(
  matching: Matching,
  { skip, limit }: ReadOptions,
): AsyncGenerator<Batch> {
  const { file } = matching;
  const { connection, close } = await openDuckDb();
  const batcher = createByteBatcher(skip);
  const query = queryOf(connection);
  let copy: NaiveCopy | null = null;
  try {
    let table = await parquetTable(query, file);
    const fields = matchColumns(matching, table.names);
    await checkTypes(query, file, fields, table);
    const columns = fields.map(({ column }) => column);
    if (await needsExactNanos(query, file, table, columns)) {
      copy = await naiveCopy(file);
      table = await tableWithoutZones(query, copy.path, table);
    }
    const read = copy?.path ?? file;
    const pieces = piecesOf(fields, table.types);
    const [counted] = await query(parquetCount([read]));
    const end = Math.min(limit, Number(counted?.[0] ?? 0));
    const atMost = Number.isFinite(limit) ? `LIMIT ${Math.max(0, limit - skip)}` : '';
    const sql = `SELECT ${pieces.map((piece) => piece.sql).join(', ')} FROM ${parquetRows(read, table.names.length)} ${atMost} OFFSET ${skip}`;
    let count = 0;
    const write = writerOf(pieces);
    const readers = await Promise.all(pieces.map(stringColumn));
    const result = await connection.stream(sql);
    for (;;) {
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) break;
      const columns = readers.map((read, i) => read(chunk, i));
      const rows = chunk.rowCount;
      for (let row = 0; row < rows; row++) {
        const full = batcher.add((out) => write(out, columns, row));
        if (full !== null) yield full;
      }
      // after its last use: the columns are views of its memory
      count += chunk.rowCount;
    }
    const rest = batcher.rest();
    if (rest !== null) yield rest;
    if (count !== Math.max(0, end - skip))
      throw new MillraceError(
        'MR_INTERNAL',
        `${file} has ${end} rows to send from row ${skip + 1} on, and ${count} were read`,
        { file },
      );
  } catch (error) {
    throw fileError(file, error);
  } finally {
    close();
    await copy?.remove();
  }
}
