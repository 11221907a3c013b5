/** Bytes of a CSV file, in pieces, as rows of a table. */
import { type CsvBlock, type CsvRecord, recordOf } from './csv-block.ts';
import { type CsvTableOptions, csvTable } from './csv-table.ts';
import { utf8Text } from './utf8-text.ts';

/** Each block is valid until the next one is taken. */
export async function* csvBlocks(
  pieces: AsyncIterable<Uint8Array>,
  options: CsvTableOptions,
): AsyncGenerator<CsvBlock> {
  const text = utf8Text(options.refuse);
  const table = csvTable(options);
  for await (const piece of pieces) yield table.push(text.push(piece));
  yield table.end(text.end());
}

export async function* csvRows(
  pieces: AsyncIterable<Uint8Array>,
  options: CsvTableOptions,
): AsyncGenerator<readonly CsvRecord[]> {
  for await (const block of csvBlocks(pieces, options))
    yield Array.from({ length: block.rows }, (_, row) => recordOf(block, row));
}
