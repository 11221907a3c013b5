/**
 * CSV files as events. A file is first read once without sending anything, so that a row that
 * cannot be read is found before the first event is sent: after its correction, the file is another
 * file, and what was sent before would be sent again. Stdin is read only once.
 */
import { fail } from '#domain/errors.ts';
import type { CsvRecord, RefuseLine } from '#domain/files/csv-reader.ts';
import { csvRows } from '#domain/files/csv-rows.ts';
import type { CsvHeader } from '#domain/files/csv-table.ts';
import { cellJson } from '#domain/files/file-cell.ts';
import { delimiterOfName } from '#domain/files/file-kind.ts';
import { type Batch, createBatcher, type ReadOptions } from './batch.ts';
import { type MatchedField, type Matching, matchColumns } from './match-columns.ts';
import { readPieces } from './read-pieces.ts';

export interface EventTable extends Matching {
  /** the source's field */
  readonly eventTime: string;
}

const nullJson = ({ type }: MatchedField): string =>
  // an empty cell of a text that may not be null is an empty text
  type.base === 'string' && !type.array && !type.nullable ? '""' : 'null';

const eventOf = (fields: readonly MatchedField[]): ((record: CsvRecord) => string) => {
  const parts = fields.map((field, i) => ({
    before: `${i === 0 ? '{' : ','}${JSON.stringify(field.field)}:`,
    column: field.column,
    type: field.type,
    empty: nullJson(field),
  }));
  return ({ cells }) => {
    let event = '';
    for (const { before, column, type, empty } of parts) {
      const cell = cells[column] as string | null;
      event += before + (cell === null ? empty : cellJson(type, cell));
    }
    return `${event}}`;
  };
};

const rowsOf = (
  { file, eventTime }: EventTable,
  onHeader: (header: CsvHeader) => readonly MatchedField[],
  ending: string,
): AsyncGenerator<readonly CsvRecord[]> => {
  const name = file === '-' ? 'stdin' : file;
  const refuse: RefuseLine = (line, what) =>
    fail('MR_FILE_INVALID', `${name}, line ${line}: ${what}${ending}`, { file, line });
  return csvRows(readPieces(file), {
    refuse,
    delimiter: delimiterOfName(file),
    onHeader: (header) => onHeader(header).find(({ field }) => field === eventTime)?.column ?? -1,
  });
};

/** The number of rows, up to `limit`; all of these can be read. */
const checkRows = async (table: EventTable, limit: number): Promise<number> => {
  const onHeader = ({ names }: CsvHeader): readonly MatchedField[] => matchColumns(table, names);
  let count = 0;
  for await (const rows of rowsOf(table, onHeader, '; no event was sent')) {
    count += rows.length;
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
  const batcher = createBatcher(skip);
  let toEvent = eventOf([]);
  const onHeader = ({ names }: CsvHeader): readonly MatchedField[] => {
    const fields = matchColumns(table, names);
    toEvent = eventOf(fields);
    return fields;
  };
  let count = 0;
  reading: for await (const rows of rowsOf(table, onHeader, '')) {
    for (const row of rows) {
      if (count >= limit) break reading;
      count++;
      if (count <= skip) continue;
      const full = batcher.add(toEvent(row));
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
