/** Read-only SQL, with the first rows of the result. */
import { type Static, Type } from 'typebox';
import type { SqlAnswer } from '#domain/api/sql.ts';
import { fail } from '#domain/errors.ts';
import { jsonOf } from '#domain/sql-results/text.ts';
import { suggestion } from '#domain/values/did-you-mean.ts';
import { compact } from '#gateways/http/compact.ts';
import { closed } from '#gateways/http/schemas/shapes.ts';
import { sqlBody } from '#gateways/http/schemas/sql.ts';
import { optionalTime } from '#gateways/shared/parameters.ts';
import { ofThen } from '../links.ts';
import { described, KNOWN } from '../schemas.ts';
import { READS, tool } from '../tool.ts';

const DEFAULT_ROWS = 50;
const MAX_ROWS = 500;

const { sql, engine, known } = sqlBody.properties;

const queryInput = closed({
  sql: described(
    sql,
    'one SELECT in the SQL of DuckDB over the tables of list_tables; add ORDER BY, so that the same statement gives the same rows',
  ),
  engine: described(engine, 'SQL engine; default: the one of the server'),
  known: described(known, KNOWN),
  rows: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: MAX_ROWS,
      description: `how many rows to answer; default ${DEFAULT_ROWS}`,
    }),
  ),
});

/**
 * Tables that `known` fixes. Those of views read the version that is live, and the rollups of days
 * or of hours, whichever are newer.
 */
const OF_THE_LOG = /^(raw|served)_/;

/** The first rows; the others are not read. */
const firstRows = async (
  { columns, batches, close }: SqlAnswer,
  most: number,
): Promise<readonly (readonly unknown[])[]> => {
  const rows: unknown[][] = [];
  try {
    for await (const batch of batches) {
      for (let row = 0; row < batch.rows && rows.length < most; row++)
        rows.push(columns.map(({ type }, i) => jsonOf(type, batch.columns[i]?.[row] ?? null)));
      if (rows.length >= most) break;
    }
  } finally {
    close();
  }
  return rows;
};

export const querySql = tool<Static<typeof queryInput>>({
  name: 'query_sql',
  title: 'Query with SQL',
  description:
    'Answers one read-only SQL statement over the accepted events of sources (raw_SOURCE), the logged answers of services (served_SERVICE), and values of views where rollups were written (VIEW_v1, VIEW_daily, VIEW_history). Use it for counts and distributions; for values of single entities use read_features.',
  input: queryInput,
  hints: READS,
  shorter: 'select fewer columns, aggregate, or ask for fewer "rows"',
  async run({ sql: statement, rows: most = DEFAULT_ROWS, ...args }, context) {
    const { platform, caller, links, signal } = context;
    const request = compact({ engine: args.engine, known: optionalTime('known', args.known) });
    const answer = await platform.sql.query({ sql: statement, signal, ...request }, caller);
    const { columns, rows, tables } = answer;
    const shown = await firstRows(answer, most);
    const left = rows - shown.length;
    const body = { sql: statement, ...request, known: answer.known };
    const link = links.post(['v1', 'sql'], body);
    return {
      at: answer.known,
      known: answer.known,
      link: tables.every(({ name }) => OF_THE_LOG.test(name)) ? link : ofThen(link),
      answer: {
        columns: columns.map(({ name, type }) => ({ name, type: type.name })),
        rows: shown,
        rowCount: rows,
        ...(left > 0 ? { leftOut: left } : {}),
        tables,
      },
    };
  },
});

const tablesInput = closed({
  table: Type.Optional(
    Type.String({
      description: 'a table, to see its columns; absent: all tables, without columns',
    }),
  ),
});

export const listTables = tool<Static<typeof tablesInput>>({
  name: 'list_tables',
  title: 'List SQL tables',
  description: 'The tables that query_sql can read with your rights; for one table, its columns.',
  input: tablesInput,
  hints: READS,
  shorter: 'name one "table"',
  async run({ table }, { platform, caller, links, now }) {
    const time = now();
    const all = await platform.sql.tables(caller);
    const found = all.filter(({ name }) => table === undefined || name === table);
    if (table !== undefined && found.length === 0)
      fail(
        'MR_NOT_FOUND',
        `there is no table ${JSON.stringify(table)} that you may read${suggestion(
          table,
          all.map(({ name }) => name),
        )}`,
        { table },
      );
    return {
      at: time,
      known: time,
      link: ofThen(links.get(['v1', 'sql', 'tables'])),
      answer: {
        tables: found.map(({ name, description, columns }) => ({
          name,
          description,
          ...(table === undefined ? { columns: columns.length } : { columns }),
        })),
      },
    };
  },
});
