import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { extname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import type { SqlTableInfo } from '#domain/api/sql.ts';
import { fail, MillraceError } from '#domain/errors.ts';
import { contextOf } from '../context.ts';
import { show, table } from '../table.ts';
import { UsageError, wholeOption } from '../usage.ts';
import { addSqlSetup } from './sql-setup.ts';

interface SqlOptions {
  readonly engine?: string;
  readonly csv?: boolean;
  readonly out?: string;
  readonly rows?: number;
  readonly seconds?: number;
  readonly known?: string;
}

interface Answer {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
}

const MEDIA: Readonly<Record<string, string>> = {
  '.csv': 'text/csv',
  '.json': 'application/json',
  '.arrow': 'application/vnd.apache.arrow.stream',
};

const mediaOf = (out: string): string => {
  const media = MEDIA[extname(out).toLowerCase()];
  if (media !== undefined) return media;
  throw new UsageError(`--out must end in ${Object.keys(MEDIA).join(', ')}, not ${out}`);
};

const bodyOf = (sql: string, { engine, rows, seconds, known }: SqlOptions) => ({
  sql,
  engine,
  known,
  limits: rows === undefined && seconds === undefined ? undefined : { rows, seconds },
});

const toFile = async (
  sql: string,
  options: SqlOptions,
  out: string,
  command: Command,
): Promise<void> => {
  const { client, json, document, print } = contextOf(command);
  const headers = { accept: mediaOf(out) };
  const part = `${out}.part`;
  const answer = await client.stream('/v1/sql', { body: bodyOf(sql, options), headers });
  try {
    await pipeline(answer, createWriteStream(part));
    await rename(part, out);
  } catch (error) {
    await rm(part, { force: true });
    if (error instanceof MillraceError) throw error;
    fail('MR_UNREACHABLE', `the answer ended too early: ${String(error)}; nothing was written`);
  }
  const rows = Number(answer.headers['x-millrace-rows']);
  if (json) document({ rows, out });
  else print(`${rows} rows written to ${out}`);
};

/** A cell of text; large whole numbers are text already. */
const cell = (value: unknown): string | number | boolean | null =>
  value === null || ['string', 'number', 'boolean'].includes(typeof value)
    ? (value as string | number | boolean | null)
    : show(value);

const sql = async (statement: string, options: SqlOptions, command: Command): Promise<void> => {
  if (options.out !== undefined) return toFile(statement, options, options.out, command);
  const { client, json, document, print } = contextOf(command);
  const body = bodyOf(statement, options);
  if (options.csv === true) {
    const answer = await client.stream('/v1/sql', { body, headers: { accept: 'text/csv' } });
    await pipeline(answer, process.stdout, { end: false });
    return;
  }
  const answer = await client.post<Answer>('/v1/sql', { body });
  if (json) return document(answer);
  const names = answer.columns.map(({ name }) => name);
  print(
    table(
      names,
      answer.rows.map((row) => row.map(cell)),
    ),
  );
};

const tables = async (_options: unknown, command: Command): Promise<void> => {
  const { client, json, records, print } = contextOf(command);
  const found = await client.get<readonly SqlTableInfo[]>('/v1/sql/tables');
  if (json) return records(found);
  const text = found.map(
    ({ name, description, columns }) =>
      `${name}: ${show(description)}\n${table(
        ['column', 'type', 'description'],
        columns.map((column) => [column.name, column.type, column.description ?? '']),
      )}`,
  );
  print(text.length === 0 ? 'none' : text.join('\n\n'));
};

export const addSql = (program: Command): void => {
  const command = program
    .command('sql')
    .description('answer a read-only SQL statement over raw events and logged answers')
    .argument('<statement>', 'one query')
    .addOption(
      new Option(
        '--engine <name>',
        'engine that answers, such as trino; default: duckdb, the server’s own',
      ),
    )
    .option('--csv', 'print CSV')
    .option('--out <file>', 'write to this file: .csv, .json or .arrow (Arrow IPC stream)')
    .option('--rows <n>', 'the most rows; a larger result is refused', wholeOption('--rows', 1))
    .option(
      '--seconds <n>',
      'the longest time; a longer statement is ended',
      wholeOption('--seconds', 1),
    )
    .option('--known <time>', 'use only events that were accepted by this time; default: now')
    .addHelpText(
      'after',
      '\nExample:\n  millrace sql "SELECT origin, avg(delay) FROM raw_flights GROUP BY origin"\n  millrace sql "FROM raw_flights" --out flights.arrow',
    )
    .action(sql);
  command
    .command('tables')
    .description('list the tables that you may read, with their columns')
    .addHelpText('after', '\nExample:\n  millrace sql tables')
    .action(tables);
  addSqlSetup(command);
};
