/**
 * The statements that engines get which no test can start: a parser of their dialects reads them,
 * finds every column in the tables' real schemas, and translates them to DuckDB's dialect, in which
 * they have the same answers as the questions that they were made from.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SqlTable } from '#domain/ports/sql-engine.ts';
import type { RemoteEngine } from '#domain/sql/tables/engine-names.ts';
import type { Driver } from '#infra/sql-engines/driver.ts';
import { remoteEngine } from '#infra/sql-engines/remote-engine.ts';
import { hasPython, pythonWithDialects } from '#tests/support/venv.ts';
import { type EmbeddedShop, openEmbeddedShop } from './support/embedded-shop.ts';
import { answerOf, questionsOf, shopOf } from './support/shop.ts';

const ENGINES = ['trino', 'presto', 'starrocks', 'doris'] as const satisfies RemoteEngine[];

interface Stored {
  readonly catalog: string;
  readonly schema: string;
  readonly name: string;
  readonly files: readonly string[];
  readonly columns: Readonly<Record<string, string>>;
}

/** For the resolution of names alone. */
const TYPES: Readonly<Record<string, string>> = {
  string: 'VARCHAR',
  int: 'INT',
  long: 'BIGINT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  timestamptz: 'TIMESTAMP',
  date: 'DATE',
};

const statements = new Map<string, string[]>();
const tables = new Map<string, Stored>();

const note = ({ stored, files, columns, rollup }: SqlTable): void => {
  const parts = [{ stored, files, columns }];
  if (rollup?.rows === 'history' && rollup.longer !== null) parts.push(rollup.longer);
  for (const part of parts) {
    if (part.stored === null) continue;
    const { namespace, name } = part.stored;
    tables.set(`${namespace}.${name}`, {
      catalog: 'millrace',
      schema: namespace,
      name,
      files: part.files.map((uri) => fileURLToPath(uri)),
      columns: Object.fromEntries(
        part.columns
          .filter(({ fieldId }) => fieldId !== null)
          .map(({ field, type }) => [field, TYPES[type] ?? 'ARRAY<VARCHAR>']),
      ),
    });
  }
};

/** Notes what the engine would get, and answers nothing. */
const noting = (engine: RemoteEngine) => {
  const driver: Driver = {
    engine,
    async run({ sql }) {
      statements.set(engine, [...(statements.get(engine) ?? []), sql]);
      return { columns: [], batches: (async function* () {})() };
    },
    close: async () => {},
  };
  const opened = remoteEngine({ driver, catalog: 'millrace' });
  return {
    ...opened,
    query: (request: Parameters<typeof opened.query>[0]) =>
      opened.query({
        ...request,
        async tables(names) {
          const found = await request.tables(names);
          found.forEach(note);
          return found;
        },
      }),
  };
};

const python = hasPython();
if (!python) console.warn('statements of engines are not parsed: this machine has no python3');
const work = mkdtempSync(join(tmpdir(), 'millrace-translated-'));

describe.skipIf(!python)('statements of engines that are not run', () => {
  const questions = questionsOf(shopOf());
  const expected: (readonly (readonly unknown[])[])[] = [];
  let shop: EmbeddedShop;
  beforeAll(async () => {
    shop = await openEmbeddedShop(ENGINES.map(noting));
    for (const sql of questions)
      expected.push((await answerOf(shop.test.platform, 'duckdb', sql, shop.known)).rows);
  }, 120_000);
  afterAll(async () => {
    await shop?.close();
    rmSync(work, { recursive: true, force: true });
  });

  test.each(ENGINES)(
    '%s',
    async (engine) => {
      for (const sql of questions) await answerOf(shop.test.platform, engine, sql, shop.known);
      const file = join(work, `${engine}.json`);
      writeFileSync(
        file,
        JSON.stringify({
          dialect: engine,
          tables: [...tables.values()],
          statements: statements.get(engine),
        }),
      );
      const out = execFileSync(
        pythonWithDialects(),
        [join(import.meta.dirname, 'run_translated.py'), file],
        { encoding: 'utf8', maxBuffer: 1 << 28 },
      );
      const found = JSON.parse(out) as readonly unknown[];
      questions.forEach((sql, i) => expect([sql, found[i]]).toEqual([sql, expected[i]]));
    },
    300_000,
  );
});
