/** The promises of an SQL engine: see domain/ports/sql-engine.ts. */
import { describe, expect, test } from 'vitest';
import type { SqlEngine, SqlQuery, SqlTable } from '#domain/ports/sql-engine.ts';
import type { SqlValue } from '#domain/sql-results/sql-type.ts';

export interface SqlEngineFixture {
  readonly engine: SqlEngine;
  /**
   * numbers: n long, text string, of 5,000 rows, n from 0 and text 'n0', 'n1', …; the partition is
   * n modulo 2, the offset n div 2
   */
  readonly numbers: SqlTable;
  /** the same rows of an older file, which lacks the column text */
  readonly older: SqlTable;
  readonly dispose: () => Promise<void>;
}

/** What an engine cannot promise, and why. */
export interface SqlEngineLacks {
  readonly memory?: string;
}

export const sqlEngineContract = (
  name: string,
  open: () => Promise<SqlEngineFixture>,
  lacks: SqlEngineLacks = {},
): void => {
  const using = async (use: (fixture: SqlEngineFixture) => Promise<void>): Promise<void> => {
    const fixture = await open();
    try {
      await use(fixture);
    } finally {
      await fixture.dispose();
    }
  };
  const query = (
    { engine, numbers, older }: SqlEngineFixture,
    sql: string,
    more: Partial<SqlQuery> = {},
  ) =>
    engine.query({
      sql,
      tables: async (names) =>
        names.map((name) => {
          const found = [numbers, older].find((table) => table.name === name);
          if (found === undefined) throw new Error(`no table ${name}`);
          return found;
        }),
      limits: { seconds: 60, rows: 10_000 },
      ...more,
    });
  const rowsOf = async (fixture: SqlEngineFixture, sql: string, more: Partial<SqlQuery> = {}) => {
    const { batches } = await query(fixture, sql, more);
    const rows: SqlValue[][] = [];
    for await (const { rows: count, columns } of batches)
      for (let i = 0; i < count; i++) rows.push(columns.map((values) => values[i] ?? null));
    return rows;
  };

  describe(`SQL engine: ${name}`, () => {
    test('gives the columns, their types, the number of rows and all rows', () =>
      using(async (fixture) => {
        const result = await query(fixture, 'SELECT n, text FROM numbers ORDER BY n');
        expect(result.columns).toEqual([
          { name: 'n', type: { form: 'long', name: 'long' } },
          { name: 'text', type: { form: 'string', name: 'string' } },
        ]);
        expect(result.rows).toBe(5_000);
        let n = 0n;
        for await (const batch of result.batches)
          for (let i = 0; i < batch.rows; i++, n++)
            expect([batch.columns[0]?.[i], batch.columns[1]?.[i]]).toEqual([n, `n${n}`]);
        expect(n).toBe(5_000n);
      }));

    test('asks once for the tables that the statement reads, not for those that it names itself', () =>
      using(async (fixture) => {
        const asked: (readonly string[])[] = [];
        const { numbers, older } = fixture;
        const found = await rowsOf(
          fixture,
          `WITH own AS (SELECT n FROM NUMBERS WHERE n = 1)
             SELECT own.n, (SELECT count(*) FROM numbers) FROM own WHERE EXISTS (SELECT 1 FROM older)`,
          {
            async tables(names) {
              asked.push([...names].sort());
              return [numbers, older];
            },
          },
        );
        expect(asked).toEqual([['numbers', 'older']]);
        expect(found).toEqual([[1n, 5_000n]]);
      }));

    test('a column that a file lacks is null', () =>
      using(async (fixture) => {
        const sql = 'SELECT count(*), count(text) FROM older';
        expect(await rowsOf(fixture, sql)).toEqual([[5_000n, 0n]]);
      }));

    test('reads no row at the pinned offsets or past them', () =>
      using(async (fixture) => {
        const { numbers } = fixture;
        const cut = (offsets: readonly number[]): Partial<SqlQuery> => ({
          tables: async () => [
            { ...numbers, below: { partition: 'partition', offset: 'offset', offsets } },
          ],
        });
        const sql = 'SELECT n FROM numbers ORDER BY n';
        expect(await rowsOf(fixture, sql, cut([2, 1]))).toEqual([[0n], [1n], [2n]]);
        expect(await rowsOf(fixture, sql, cut([1]))).toEqual([[0n]]);
        expect(await rowsOf(fixture, sql, cut([]))).toEqual([]);
      }));

    test('passes on what the tables are refused with', () =>
      using(async (fixture) => {
        await expect(rowsOf(fixture, 'SELECT * FROM nothing')).rejects.toThrow('no table nothing');
      }));

    test('refuses a result of more rows than the limit, whole', () =>
      using(async (fixture) => {
        const limits = { seconds: 60, rows: 4_999 };
        await expect(query(fixture, 'SELECT * FROM numbers', { limits })).rejects.toMatchObject({
          code: 'MR_SQL_LIMIT',
          details: { limit: 'rows', rows: 4_999 },
        });
        const exact = { seconds: 60, rows: 5_000 };
        expect((await rowsOf(fixture, 'SELECT n FROM numbers', { limits: exact })).length).toBe(
          5_000,
        );
      }));

    test('ends a statement that takes too long', () =>
      using(async (fixture) => {
        const limits = { seconds: 1, rows: 10 };
        const sql = 'SELECT max(a.n * b.n * c.n) FROM numbers a, numbers b, numbers c';
        await expect(query(fixture, sql, { limits })).rejects.toMatchObject({
          code: 'MR_SQL_LIMIT',
          details: { limit: 'seconds', seconds: 1 },
        });
      }));

    const memory = 'refuses a statement that needs too much memory';
    // Not every engine limits the memory of one statement; the reason is in the name.
    test.skipIf(lacks.memory !== undefined)(`${memory}${lacks.memory ?? ''}`, () =>
      using(async (fixture) => {
        const sql = `SELECT count(DISTINCT a.n * 25000000 + b.n * 5000 + c.n) FROM numbers a, numbers b, numbers c`;
        await expect(query(fixture, sql)).rejects.toMatchObject({
          code: 'MR_SQL_LIMIT',
          details: { limit: 'memory' },
        });
      }),
    );

    test('ends a statement that is aborted, and one whose batches are not read to their end', () =>
      using(async (fixture) => {
        const abort = new AbortController();
        const sql = 'SELECT max(a.n * b.n * c.n) FROM numbers a, numbers b, numbers c';
        const running = query(fixture, sql, { signal: abort.signal });
        abort.abort();
        await expect(running).rejects.toMatchObject({ name: 'AbortError' });
        const already = query(fixture, sql, { signal: abort.signal });
        await expect(already).rejects.toMatchObject({ name: 'AbortError' });
        const { batches } = await query(fixture, 'SELECT * FROM numbers');
        for await (const batch of batches) {
          expect(batch.rows).toBeGreaterThan(0);
          break;
        }
        const unread = await query(fixture, 'SELECT * FROM numbers');
        unread.close();
        await expect(unread.batches[Symbol.asyncIterator]().next()).rejects.toThrow();
      }));

    test('close ends what runs, and refuses what comes', () =>
      using(async (fixture) => {
        const sql = 'SELECT max(a.n * b.n * c.n) FROM numbers a, numbers b, numbers c';
        const running = expect(query(fixture, sql)).rejects.toMatchObject({ name: 'AbortError' });
        await fixture.engine.close();
        await running;
        await expect(query(fixture, 'SELECT 1')).rejects.toMatchObject({ code: 'MR_UNAVAILABLE' });
      }));
  });
};
