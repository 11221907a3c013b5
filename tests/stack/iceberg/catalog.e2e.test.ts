/**
 * The catalog over tables that Flink writes: other engines attach by URL, read the rows that the
 * platform accepted, and find each snapshot by an id of which no digit is lost.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { source } from '#domain/definitions/index.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { takeBack } from '#infra/iceberg/cut-table.ts';
import { openSession, type SqlSession } from '#infra/shared/flink/sql-gateway.ts';
import {
  loadTable,
  type TableVersion,
  tableDirectory,
} from '#infra/shared/iceberg/table-directory.ts';
import { tableDocuments } from '#infra/shared/iceberg/table-documents.ts';
import { tableDocumentsContract } from '#tests/contracts/table-documents.contract.ts';
import { addresses } from '#tests/stack/support/addresses.ts';
import {
  caller,
  type StackPlatform,
  stackPlatform,
  uniqueName,
  until,
} from '#tests/stack/support/platform.ts';
import { icebergTables } from '#tests/stack/support/warehouse.ts';
import { idsOf } from '#tests/support/foreign-ids.ts';
import { plain } from '#tests/support/platform.ts';
import { hasPython, pythonWithPyiceberg } from '#tests/support/venv.ts';

const payments = source({
  name: uniqueName('catalogued'),
  fields: { at: 'timestamp', card: 'string', amount: 'double' },
  eventTime: 'at',
});
const topic = rawTopic(payments.name);
const BATCHES = [2, 1, 3];
/** The archive job starts meanwhile. */
const START_MS = 240_000;

let stack: StackPlatform;
let gateway: HttpGateway;
/** of the snapshots that have rows, the newest last: id and number of rows up to it */
let snapshots: readonly (readonly [id: string, rows: number])[];

const loaded = async (): Promise<TableVersion> =>
  (await loadTable(tableDirectory(icebergTables(), topic))) as TableVersion;
const rowsOf = ({ metadata }: TableVersion): readonly number[] =>
  metadata.snapshots.map(({ summary }) => Number(summary['total-records'] ?? 0));

beforeAll(async () => {
  stack = await stackPlatform();
  await stack.platform.registry.apply(plain(payments), {}, caller);
  gateway = await createHttpGateway({
    modules: httpModules(),
    platform: stack.platform,
    port: 0,
  });
  let published = 0;
  for (const size of BATCHES) {
    const events = Array.from({ length: size }, (_, i) => ({
      at: Date.now(),
      card: `c${published + i}`,
      amount: published + i,
    }));
    await stack.platform.publishing.publish({ source: payments.name, events }, caller);
    published += size;
    await until(
      'the table has them',
      async () => {
        const table = await loadTable(tableDirectory(icebergTables(), topic));
        return table !== null && rowsOf(table).at(-1) === published;
      },
      START_MS,
    );
  }
  const { metadata } = await loaded();
  const rows = rowsOf(await loaded());
  snapshots = metadata.snapshots.map((one, i) => [String(one['snapshot-id']), rows[i] as number]);
});
afterAll(async () => {
  await gateway?.close();
  await stack?.dispose();
});

tableDocumentsContract('stack', async () => ({
  documents: tableDocuments(icebergTables()),
  topic,
  ids: snapshots.map(([id]) => id),
  dispose: async () => {},
}));

test('Flink’s ids do not fit a number, and a table that we take back keeps them', async () => {
  const ids = snapshots.map(([id]) => id);
  expect(ids.some((id) => !Number.isSafeInteger(Number(id)))).toBe(true);
  const copy = mkdtempSync(join(tmpdir(), 'millrace-flink-table-'));
  try {
    const [, namespace, name] = /^(\w+)\.(\w+)$/.exec(topic) as unknown as [string, string, string];
    const path = join(copy, namespace, name);
    cpSync(join(addresses().warehouse.iceberg, namespace, name), path, { recursive: true });
    const table = tableDirectory({ ...icebergTables(), uri: `file://${copy}` }, topic);
    const base = (await loadTable(table)) as TableVersion;
    expect((await idsOf(path)).inText).toEqual([...ids].sort());
    await takeBack(table, base, base.metadata.snapshots.length - 2);
    const { inText } = await idsOf(path);
    expect(inText).toEqual([...ids].slice(0, -1).sort());
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
});

const python = hasPython();
if (!python) console.warn('pyiceberg is not tested: this machine has no python3');

test.skipIf(!python)('pyiceberg reads the rows, with a filter and at each snapshot', async () => {
  const { stdout } = await promisify(execFile)(pythonWithPyiceberg(), [
    join(import.meta.dirname, '../../iceberg/read_catalog.py'),
    `${gateway.url}/iceberg`,
    '',
    '',
    topic,
    'amount >= 4',
  ]);
  const seen = JSON.parse(stdout) as {
    readonly tables: readonly string[];
    readonly rows: readonly { readonly card: string }[];
    readonly filtered: readonly { readonly card: string }[];
    readonly snapshots: readonly { readonly id: string; readonly rows: readonly unknown[] }[];
  };
  expect(seen.tables).toContain(topic);
  expect(seen.rows.map(({ card }) => card)).toEqual(['c0', 'c1', 'c2', 'c3', 'c4', 'c5']);
  expect(seen.filtered.map(({ card }) => card)).toEqual(['c4', 'c5']);
  expect(seen.snapshots.map(({ id, rows }) => [id, rows.length])).toEqual(snapshots);
});

describe('Flink, as a client of the catalog', () => {
  let session: SqlSession;
  beforeAll(async () => {
    session = await openSession(addresses().sqlGateway, {
      'execution.runtime-mode': 'batch',
      'parallelism.default': '1',
    });
    await session.run(
      `CREATE CATALOG by_url WITH ('type' = 'iceberg', 'catalog-type' = 'rest', 'uri' = '${gateway.url}/iceberg')`,
    );
  });
  afterAll(() => session?.close());

  test('lists, filters, reads a snapshot, and cannot write', async () => {
    const table = `by_url.\`raw\`.\`${payments.name}\``;
    expect((await session.run('SHOW TABLES IN by_url.`raw`')).flat()).toContain(payments.name);
    expect(await session.run(`SELECT COUNT(*), MAX(card) FROM ${table} WHERE amount >= 4`)).toEqual(
      [['2', 'c5']],
    );
    const [id, rows] = snapshots.find(([, some]) => some === 3) as readonly [string, number];
    expect(
      await session.run(
        `SELECT COUNT(*) FROM ${table} /*+ OPTIONS('snapshot-id'='${id}') */ WHERE card <> ''`,
      ),
    ).toEqual([[String(rows)]]);
    const ids = await session.run(
      `SELECT CAST(snapshot_id AS STRING) FROM by_url.\`raw\`.\`${payments.name}$snapshots\``,
    );
    expect(ids.flat().sort()).toEqual(snapshots.map(([one]) => one).sort());
    await expect(session.run(`DROP TABLE ${table}`)).rejects.toMatchObject({
      code: 'MR_ENGINE_FAILED',
    });
    expect(await stack.platform.tables.list('raw')).toContain(payments.name);
  });
});
