/**
 * Expressions and views in DuckDB's SQL, run by DuckDB: the shared vectors, random expressions
 * beside their JavaScript, and random views over random events beside the brute-force oracle.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Expr } from '#domain/expressions/ast.ts';
import { engineDialect } from '#domain/sql/engines/dialect.ts';
import type { Syntax } from '#domain/sql/engines/syntax.ts';
import { SYNTAXES } from '#domain/sql/engines/syntaxes.ts';
import { expressionSql } from '#domain/sql/print-expression.ts';
import { fieldType } from '#domain/values/field-type.ts';
import { type DuckDb, openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { definitions, moments, rawEvents } from '#tests/oracle/arbitraries.ts';
import { columns, rows, trees } from '#tests/oracle/expression-trees.ts';
import { type DialectCase, expressionCase, plainResult } from './cases.ts';
import { comparable, expressible, orderedAlike } from './samples.ts';
import { SHAPES, vectorCases, vectors, WITHOUT } from './vector-cases.ts';
import { differences, type Found, viewCase } from './view-cases.ts';

const DUCKDB = SYNTAXES.find(({ name }) => name === 'duckdb') as Syntax;

let duckDb: DuckDb;
let connection: DuckDBConnection;
beforeAll(async () => {
  duckDb = await openDuckDb();
  connection = await duckDb.connect();
});
afterAll(() => {
  connection.closeSync();
  duckDb.close();
});

/** Lists as arrays, and whole numbers as numbers. */
const plain = (value: unknown): unknown => {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'object' && value !== null && 'items' in value)
    return (value.items as readonly unknown[]).map(plain);
  return value;
};

const run = async (sql: string): Promise<Found> => {
  const result = await connection.runAndReadAll(sql);
  const names = result.columnNames();
  return result
    .getRows()
    .map((row) => Object.fromEntries(row.map((value, i) => [names[i] as string, plain(value)])));
};

const resultsOf = async ({ sql, base }: DialectCase): Promise<readonly unknown[]> =>
  (await run(sql)).map(({ result }) => plainResult(result, base));

describe('the shared vectors', () => {
  test.each(vectorCases(DUCKDB).map((one) => [one.name, one] as const))('%s', async (_, one) => {
    expect(await resultsOf(one)).toEqual(one.expected);
  });

  test('are those of every function, or it is named why not', () => {
    const functions = [...new Set(vectors.map((vector) => vector.function))];
    const known = [...Object.keys(SHAPES), ...WITHOUT];
    expect(functions.filter((name) => !known.includes(name))).toEqual([]);
    expect(known.filter((name) => !functions.includes(name))).toEqual([]);
    const compared = vectors.filter((vector) => vector.function === 'MR_COMPARE');
    const { takes } = SHAPES.MR_COMPARE as (typeof SHAPES)[string];
    expect(compared.filter((vector) => takes?.(vector)).length).toBeGreaterThan(
      compared.length * 0.9,
    );
  });
});

test('random expressions equal their JavaScript', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(trees.num, trees.bool, trees.str, trees.time).filter(comparable),
      fc.array(rows.map(orderedAlike), { minLength: 1, maxLength: 5 }),
      async (tree, some) => {
        const one = expressionCase(DUCKDB, 'random', tree, columns, some);
        expect(await resultsOf(one)).toEqual(one.expected);
      },
    ),
    { numRuns: 200 },
  );
});

test('random views equal the oracle', async () => {
  let values = 0;
  await fc.assert(
    fc.asyncProperty(
      definitions({ lateness: true, dimension: true })
        .filter(expressible)
        .chain((drawn) =>
          rawEvents().chain((events) =>
            fc.tuple(fc.constant(drawn), fc.constant(events), moments(drawn, events)),
          ),
        ),
      async ([drawn, events, at]) => {
        if (events.length === 0) return;
        const kept = events.map((event) => ({ ...event, row: orderedAlike(event.row) }));
        const one = viewCase(DUCKDB, 'random', drawn, kept, at, new Set(['y', 'tags']));
        const found = await run(one.sql);
        if (found.some((row) => '__time' in row)) return;
        values += found.length;
        expect(differences(one, found)).toEqual([]);
      },
    ),
    { numRuns: 400 },
  );
  expect(values).toBeGreaterThan(100);
});

const printed = (syntax: Syntax, fn: string, base: 'double' | 'string', to: string): string =>
  expressionSql(
    engineDialect(syntax),
    {
      op: 'call',
      fn,
      args: [
        { op: 'col', name: 'x' },
        { op: 'lit', value: to },
      ],
    } as Expr,
    { columns: { x: fieldType(base) } },
  );

test.each(SYNTAXES.map((syntax) => [syntax.title, syntax] as const))(
  '%s: what an engine would answer otherwise is refused',
  (title, syntax) => {
    for (const [base, to] of [
      ['double', 'string'],
      ['string', 'timestamp'],
      ['string', 'date'],
    ] as const)
      expect(() => printed(syntax, 'cast', base, to)).toThrow(
        `cast is not supported in ${title} SQL: `,
      );
  },
);
