/** Rows as CSV: a header, then a line for each row. Null is empty, an empty text is `""`. */
import type { SqlBatch, SqlColumn, SqlType, SqlValue } from './sql-type.ts';
import { textOf } from './text.ts';

const NEEDS_QUOTES = /[",\r\n]/;

const cell = (type: SqlType, value: SqlValue): string => {
  const text = textOf(type, value);
  return value !== null && (text === '' || NEEDS_QUOTES.test(text))
    ? `"${text.replaceAll('"', '""')}"`
    : text;
};

const HEADER: SqlType = { form: 'string', name: 'string' };

export async function* csvStream(
  columns: readonly SqlColumn[],
  batches: AsyncIterable<SqlBatch>,
): AsyncGenerator<string> {
  yield `${columns.map(({ name }) => cell(HEADER, name)).join(',')}\n`;
  for await (const { rows, columns: values } of batches) {
    let text = '';
    for (let row = 0; row < rows; row++)
      text += `${columns.map(({ type }, i) => cell(type, values[i]?.[row] ?? null)).join(',')}\n`;
    yield text;
  }
}
