/**
 * Expressions and views in the SQL of each engine: run by Spark and by ClickHouse; those of
 * Trino, Presto, StarRocks and Doris, which no test can start, are parsed by sqlglot in their
 * dialect, translated to DuckDB's, and run there. The same vectors, random expressions and random
 * views as in DuckDB's own dialect.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { Syntax } from '#domain/sql/engines/syntax.ts';
import { SYNTAXES } from '#domain/sql/engines/syntaxes.ts';
import { viewQuery } from '#domain/sql/engines/view-query.ts';
import { definitions, moments, rawEvents } from '#tests/oracle/arbitraries.ts';
import { columns, rows, trees } from '#tests/oracle/expression-trees.ts';
import { startClickHouse } from '#tests/sql-engines/support/clickhouse-server.ts';
import { freePort } from '#tests/support/free-port.ts';
import { hasPython, pythonWithDialects } from '#tests/support/venv.ts';
import { type DialectCase, expressionCase, plainResult } from './cases.ts';
import { comparable, expressible, orderedAlike } from './samples.ts';
import { vectorCases } from './vector-cases.ts';
import { differences, type Found, type ViewCase, viewCase } from './view-cases.ts';

const SEED = Number(process.env.MILLRACE_SEED) || 20_261_130;
const EXPRESSIONS = 60;
const VIEWS = 25;
const LEFT = new Set(['y', 'tags']);

type Result = Found | { readonly error: string };

const work = mkdtempSync(join(tmpdir(), 'millrace-dialects-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** @param more arguments of the script */
const run = (
  engine: string,
  statements: readonly string[],
  more: readonly string[],
): readonly Result[] => {
  const file = join(work, `${engine}.json`);
  writeFileSync(file, JSON.stringify(statements));
  const out = execFileSync(
    pythonWithDialects(),
    [join(import.meta.dirname, 'run_cases.py'), engine, file, ...more],
    { encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  return JSON.parse(out.trim().split('\n').at(-1) as string) as readonly Result[];
};

/** ClickHouse is a server, which the script asks. */
const onServer = async <T>(engine: string, use: (more: readonly string[]) => T): Promise<T> => {
  if (engine !== 'clickhouse') return use([]);
  const port = await freePort();
  const server = await startClickHouse(port);
  try {
    return use([`http://127.0.0.1:${port}`]);
  } finally {
    await server.close();
  }
};

const sampled = <T>(arbitrary: fc.Arbitrary<T>, numRuns: number): readonly T[] =>
  fc.sample(arbitrary, { seed: SEED, numRuns });

const expressionCases = (syntax: Syntax): readonly DialectCase[] =>
  sampled(
    fc.tuple(
      fc.oneof(trees.num, trees.bool, trees.str, trees.time).filter(comparable),
      fc.array(rows.map(orderedAlike), { minLength: 1, maxLength: 5 }),
    ),
    EXPRESSIONS,
  )
    .filter(([tree]) => syntax.exactRemainder || !JSON.stringify(tree).includes('"mod"'))
    .map(([tree, some], i) => expressionCase(syntax, `expression ${i}`, tree, columns, some));

/** Years that every engine's column of times has. */
const isNear = (time: number): boolean => time > -2_100_000_000_000 && time < 9_000_000_000_000;

const viewCases = (syntax: Syntax): readonly ViewCase[] =>
  sampled(
    definitions({ lateness: true })
      .filter(expressible)
      .chain((drawn) =>
        rawEvents(20)
          .filter(
            (events) => events.length > 0 && events.every(({ eventTime }) => isNear(eventTime)),
          )
          .chain((events) =>
            fc.tuple(fc.constant(drawn), fc.constant(events), moments(drawn, events)),
          ),
      ),
    VIEWS,
  ).map(([drawn, events, at], i) => {
    const kept = events.map((event) => ({ ...event, row: orderedAlike(event.row) }));
    return viewCase(syntax, `view ${i}`, drawn, kept, at, LEFT);
  });

const isError = (result: Result | undefined): result is { readonly error: string } =>
  result !== undefined && 'error' in result;

const wrongExpressions = (cases: readonly DialectCase[], results: readonly Result[]) =>
  cases.flatMap(({ name, sql, base, expected }, i) => {
    const result = results[i] as Result;
    if (isError(result)) return [`${name}: ${result.error}\n${sql}`];
    return result.flatMap((row, n) => {
      const value = plainResult(row.result, base);
      return Object.is(value, expected[n])
        ? []
        : [`${name}, row ${n}: ${JSON.stringify(value)}, not ${JSON.stringify(expected[n])}`];
    });
  });

const wrongViews = (cases: readonly ViewCase[], results: readonly Result[]) =>
  cases.flatMap((one, i) => {
    const result = results[i] as Result;
    if (isError(result)) return [`${one.name}: ${result.error}\n${one.sql}`];
    if (result.some((row) => '__time' in row)) return [];
    return differences(one, result).map((text) => `${one.name}: ${text}`);
  });

const python = hasPython();
if (!python) console.warn('the dialects are not run: this machine has no python3');

const all = process.env.MILLRACE_TEST_ENGINES === 'all';
if (!all) console.warn('Spark takes two minutes: it is run with MILLRACE_TEST_ENGINES=all');
const OTHERS = SYNTAXES.filter(({ name }) => name !== 'duckdb' && (all || name !== 'spark'));

// Without Python, there is nothing to run the engines with.
describe.skipIf(!python).each(OTHERS.map((syntax) => [syntax.title, syntax] as const))(
  '%s',
  (_, syntax) => {
    test('vectors, random expressions and random views have the same results', async () => {
      const expressions = [...vectorCases(syntax), ...expressionCases(syntax)];
      const views = viewCases(syntax);
      const statements = [...expressions, ...views].map(({ sql }) => sql);
      const results = await onServer(syntax.name, (more) => run(syntax.name, statements, more));
      expect(results).toHaveLength(expressions.length + views.length);
      expect([
        ...wrongExpressions(expressions, results),
        ...wrongViews(views, results.slice(expressions.length)),
      ]).toEqual([]);
    }, 600_000);

    test('a query as it is shown names a table of the catalog', () => {
      const [drawn] = sampled(definitions(), 1);
      const sql = viewQuery(syntax, drawn as NonNullable<typeof drawn>);
      expect(sql).toMatch(/FROM ["`]raw["`]\.["`]things["`] CROSS JOIN bounds/);
    });
  },
);
