/** The answer to a statement of SQL as one JSON document, written batch by batch. */
import type { SqlAnswer } from '#domain/api/sql.ts';
import { jsonOf } from '#domain/sql-results/text.ts';

export async function* sqlJson(answer: SqlAnswer): AsyncGenerator<string> {
  const { columns, rows, engine, known, tables, batches } = answer;
  const types = columns.map(({ name, type }) => ({ name, type: type.name }));
  const head = JSON.stringify({ columns: types, engine, known, tables, rowCount: rows });
  yield `${head.slice(0, -1)},"rows":[`;
  let separator = '';
  for await (const batch of batches) {
    const lines: string[] = [];
    for (let row = 0; row < batch.rows; row++)
      lines.push(
        JSON.stringify(columns.map(({ type }, i) => jsonOf(type, batch.columns[i]?.[row] ?? null))),
      );
    if (lines.length > 0) yield separator + lines.join(',');
    separator = ',';
  }
  yield ']}';
}
