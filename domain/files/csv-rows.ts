/** Bytes of a CSV file, in pieces, as rows of a table. */
import type { CsvRecord } from './csv-reader.ts';
import { type CsvTableOptions, csvTable } from './csv-table.ts';
import { utf8Text } from './utf8-text.ts';

export async function* csvRows(
  pieces: AsyncIterable<Uint8Array>,
  options: CsvTableOptions,
): AsyncGenerator<readonly CsvRecord[]> {
  const text = utf8Text(options.refuse);
  const table = csvTable(options);
  for await (const piece of pieces) yield table.push(text.push(piece));
  yield table.push(text.end());
  yield table.end();
}
