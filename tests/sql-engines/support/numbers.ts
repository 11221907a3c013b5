/**
 * The tables of the SQL engines' contract as Iceberg tables in a catalog of their own, for engines
 * that open tables by name.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noTable, type Tables } from '#domain/api/tables.ts';
import type { HistoryFiles } from '#domain/ports/history.ts';
import type { SqlTable } from '#domain/ports/sql-engine.ts';
import { createHttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { openIcebergHistory } from '#infra/iceberg/history.ts';
import { tableDocuments } from '#infra/shared/iceberg/table-documents.ts';
import { storedTable } from '#projections/sql/stored-table.ts';
import { FILE_LOG_MODULE, fileLog, historyIn } from '#tests/contracts/history.fixture.ts';
import { createFakePlatform } from '#tests/support/fake-platform.ts';

export interface NumbersCatalog {
  /** of the Iceberg catalog */
  readonly uri: string;
  /** the directory of the tables */
  readonly directory: string;
  readonly numbers: SqlTable;
  readonly older: SqlTable;
  readonly close: () => Promise<void>;
}

const ROWS = 5_000;
const T = Date.UTC(2026, 0, 1);

const avro = (name: string, hasText: boolean) => ({
  type: 'record',
  name,
  eventTime: 'time',
  fields: [
    { name: 'time', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'n', type: 'long' },
    ...(hasText ? [{ name: 'text', type: 'string' }] : []),
  ],
});

const rowsOf = (partition: number): readonly object[] =>
  Array.from({ length: ROWS / 2 }, (_, i) => {
    const n = 2 * i + partition;
    return { time: T + n, n, text: `n${n}` };
  });

const COLUMNS = [
  { name: 'n', field: 'n', type: 'long' },
  { name: 'text', field: 'text', type: 'string' },
  { name: 'partition', field: '_partition', type: 'int' },
  { name: 'offset', field: '_offset', type: 'long' },
] as const;

const tableOf = (name: string, files: HistoryFiles): SqlTable => ({
  name,
  columns: COLUMNS.map((column) => ({
    ...column,
    fieldId: files.columns.find((one) => one.name === column.field)?.id ?? null,
  })),
  files: files.files,
  stored: storedTable(files),
});

export const openNumbers = async (): Promise<NumbersCatalog> => {
  const data = mkdtempSync(join(tmpdir(), 'millrace-numbers-'));
  const directory = join(data, 'log');
  const log = fileLog(directory);
  const topics = ['numbers', 'older'].map((name) => ({ topic: `raw.${name}`, partitions: 2 }));
  const { root, spillDirectory } = historyIn(data);
  const history = await openIcebergHistory({
    root,
    spillDirectory,
    input: { module: FILE_LOG_MODULE, options: { directory, topics } },
    commitAfterMs: 0,
  });
  const make = async (name: string, hasText: boolean): Promise<SqlTable> => {
    const schema = log.schema(avro(name, hasText));
    for (const partition of [0, 1])
      log.append(`raw.${name}`, partition, schema, rowsOf(partition), T);
    await history.sync(`raw.${name}`);
    return tableOf(name, (await history.tableFiles(`raw.${name}`)) as HistoryFiles);
  };
  const numbers = await make('numbers', true);
  const older = await make('older', false);
  await history.close();
  const documents = tableDocuments(root);
  const tables: Tables = {
    list: async (namespace) => (namespace === 'raw' ? ['numbers', 'older'] : []),
    load: async (table, snapshots) =>
      (await documents.load(`${table.namespace}.${table.name}`, snapshots)) ?? noTable(table),
    exists: ({ namespace, name }) => documents.exists(`${namespace}.${name}`),
  };
  const gateway = await createHttpGateway({
    modules: httpModules(),
    platform: Object.assign(createFakePlatform(), { tables }),
    port: 0,
  });
  return {
    uri: `${gateway.url}/iceberg`,
    directory: join(data, 'history'),
    numbers,
    older,
    async close() {
      await gateway.close();
      rmSync(data, { recursive: true, force: true });
    },
  };
};
