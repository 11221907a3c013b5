/**
 * CSV files as events. A file is first read once without sending anything, so that a row that
 * cannot be read is found before the first event is sent: after its correction, the file is another
 * file, and what was sent before would be sent again. Stdin is read only once.
 */
import { fail } from '#domain/errors.ts';
import { type CsvBlock, cellText, DOUBLED, isNullCell } from '#domain/files/csv-block.ts';
import { csvBlocks } from '#domain/files/csv-rows.ts';
import type { CsvHeader } from '#domain/files/csv-table.ts';
import { cellJson } from '#domain/files/file-cell.ts';
import { delimiterOfName } from '#domain/files/file-kind.ts';
import type { RefuseLine } from '#domain/files/utf8-text.ts';
import { type JsonBytes, putRaw, reserve } from '#gateways/http/json-bytes.ts';
import { type Batch, createByteBatcher, type ReadOptions } from './batch.ts';
import { cellPutter, copyBytes } from './event-bytes.ts';
import { type MatchedField, type Matching, matchColumns } from './match-columns.ts';
import { readPieces } from './read-pieces.ts';

export interface EventTable extends Matching {
  /** the source's field */
  readonly eventTime: string;
}

const nullJson = ({ type }: MatchedField): string =>
  // an empty cell of a text that may not be null is an empty text
  type.base === 'string' && !type.array && !type.nullable ? '""' : 'null';

const BRACE = 125;

/** Writes a row as an event. */
const writerOf = (
  fields: readonly MatchedField[],
): ((out: JsonBytes, block: CsvBlock, row: number) => void) => {
  const parts = fields.map((field, i) => ({
    before: Buffer.from(`${i === 0 ? '{' : ','}${JSON.stringify(field.field)}:`),
    column: field.column,
    type: field.type,
    put: cellPutter(field.type),
    empty: Buffer.from(nullJson(field)),
  }));
  return (out, block, row) => {
    const first = block.firstCells[row] as number;
    const length = (block.ends[row] as number) - (block.starts[row] as number);
    for (let i = 0; i < parts.length; i++) {
      const { before, column, type, put, empty } = parts[i] as (typeof parts)[number];
      const cell = first + column;
      reserve(out, before.length + Math.max(length + 2, empty.length));
      copyBytes(out, before, 0, before.length);
      if (isNullCell(block, cell)) copyBytes(out, empty, 0, empty.length);
      else if (
        block.forms[cell] === DOUBLED ||
        !put(out, block.bytes, block.cellStarts[cell] as number, block.cellEnds[cell] as number)
      )
        putRaw(out, cellJson(type, cellText(block, cell) as string));
    }
    reserve(out, 1);
    out.bytes[out.at++] = BRACE;
  };
};

const rowsOf = (
  { file, eventTime }: EventTable,
  onHeader: (header: CsvHeader) => readonly MatchedField[],
  ending: string,
): AsyncGenerator<CsvBlock> => {
  const name = file === '-' ? 'stdin' : file;
  const refuse: RefuseLine = (line, what) =>
    fail('MR_FILE_INVALID', `${name}, line ${line}: ${what}${ending}`, { file, line });
  return csvBlocks(readPieces(file), {
    refuse,
    delimiter: delimiterOfName(file),
    onHeader: (header) => onHeader(header).find(({ field }) => field === eventTime)?.column ?? -1,
  });
};

/** The number of rows, up to `limit`; all of these can be read. */
const checkRows = async (table: EventTable, limit: number): Promise<number> => {
  const onHeader = ({ names }: CsvHeader): readonly MatchedField[] => matchColumns(table, names);
  let count = 0;
  for await (const { rows } of rowsOf(table, onHeader, '; no event was sent')) {
    count += rows;
    if (count >= limit) return limit;
  }
  return count;
};

/** `skip` and `limit` count rows, which are the producer's numbers for a file. */
export async function* csvBatches(
  table: EventTable,
  { skip, limit }: ReadOptions,
): AsyncGenerator<Batch> {
  const expected = table.file === '-' ? null : await checkRows(table, limit);
  const batcher = createByteBatcher(skip);
  let write = writerOf([]);
  const onHeader = ({ names }: CsvHeader): readonly MatchedField[] => {
    const fields = matchColumns(table, names);
    write = writerOf(fields);
    return fields;
  };
  let count = 0;
  reading: for await (const block of rowsOf(table, onHeader, '')) {
    for (let row = 0; row < block.rows; row++) {
      if (count >= limit) break reading;
      count++;
      if (count <= skip) continue;
      const full = batcher.add((out) => write(out, block, row));
      if (full !== null) yield full;
    }
  }
  const rest = batcher.rest();
  if (rest !== null) yield rest;
  if (expected !== null && count !== expected)
    fail(
      'MR_FILE_INVALID',
      `${table.file} changed while it was read: it had ${expected} rows, and then ${count}`,
      { file: table.file },
    );
}
