/**
 * The training set of `bench training-set`, joined by a batch job of Flink on a stack of its own:
 * from the source's Iceberg table into an Iceberg table. EVENTS and ROWS name the sizes. The values
 * must be those of the platform's own join.
 */
import { join } from 'node:path';
import { rawTopic } from '#domain/ports/topics.ts';
import { rawAvroSchema } from '#domain/sources/source-schema.ts';
import { parquetByName } from '#domain/sql/duckdb/parquet-files.ts';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import { flinkCluster } from '#infra/flink/cluster.ts';
import { flinkJoins } from '#infra/flink/joins.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { tableReader } from '#infra/shared/iceberg/pinned-table.ts';
import { icebergSchemaFromAvro, META_COLUMNS } from '#infra/shared/iceberg/schema.ts';
import { tableDirectory } from '#infra/shared/iceberg/table-directory.ts';
import { makeTableOfRows } from '#infra/shared/iceberg/table-of-rows.ts';
import { runTrainingSet } from '#infra/training-sets/run-training-set.ts';
import { differingRows } from './support/differing-rows.ts';
import { ownStack } from './support/own-stack.ts';
import { watchTree } from './support/process-tree.ts';
import { print } from './support/report.ts';
import { FLIGHTS_TARGET, flights, makeTrainingFiles } from './support/training-flights.ts';

const EVENTS = Number(process.env['EVENTS'] ?? 3_000_000);
const ROWS = Number(process.env['ROWS'] ?? 1_000_000);

const { stack, directory, remove } = ownStack('batch-join', 30_420);
try {
  const files = await makeTrainingFiles(directory, EVENTS, ROWS);
  const { addresses } = stack;
  const tables = { files: localFiles(), uri: fileUri(addresses.warehouse.iceberg) };
  const table = tableDirectory(tables, rawTopic(flights.name));
  const duckDb = await openDuckDb({ spillDirectory: join(directory, 'table.spill') });
  const connection = await duckDb.connect();
  const snapshot = await makeTableOfRows(connection, {
    table,
    name: rawTopic(flights.name),
    columns: [...icebergSchemaFromAvro(rawAvroSchema(flights)), ...META_COLUMNS],
    partitionBy: flights.eventTime,
    relation: parquetByName([files.raw]),
    now: Date.now(),
  });
  connection.closeSync();
  duckDb.close();
  const pinned = (await tableReader(table).pin())?.files ?? [];
  const paths = await tables.files.engine.readable(pinned.map(({ uri }) => uri));
  const raw = { files: paths, below: [EVENTS], snapshot: String(snapshot) };

  await stack.up(['jobmanager', 'taskmanager', 'sql-gateway']);
  const engine = flinkJoins({
    tables,
    warehouse: addresses.warehouse,
    gateway: addresses.sqlGateway,
    cluster: flinkCluster(addresses.flink),
    now: Date.now,
  });
  const build = async (
    name: string,
  ): Promise<{ readonly out: string; readonly seconds: number }> => {
    const out = join(directory, `${name}.parquet`);
    const started = performance.now();
    await runTrainingSet(
      {
        target: FLIGHTS_TARGET,
        spine: { file: files.spine },
        out,
        mode: 'event-time',
        sources: { flights: raw },
      },
      { engine: name === 'flink' ? engine : undefined },
    );
    return { out, seconds: (performance.now() - started) / 1000 };
  };
  const servers = (await stack.status()).flatMap(({ pid }) => pid ?? []);
  const uses = [process.pid, ...servers].map(watchTree);
  const flink = await build('flink');
  const used = uses.map((use) => use());
  const total = (of: 'cpuSeconds' | 'peakMiB'): number =>
    used.reduce((sum, use) => sum + use[of], 0);
  const own = await build('own');
  const differ = await differingRows(directory, own.out, flink.out);
  const figure = (what: string, ours: string) => ({ what, ours, limit: '', goal: '', met: null });
  print(
    `Training set: ${ROWS.toLocaleString('en')} rows × 10 windowed features from ${EVENTS.toLocaleString('en')} raw events`,
    [
      figure('Flink: time', `${flink.seconds.toFixed(0)} s`),
      figure('Flink and gateway: processor time', `${total('cpuSeconds').toFixed(0)} s`),
      figure('Flink and gateway: sum of peak memory', `${total('peakMiB').toFixed(0)} MiB`),
      figure('own join: time', `${own.seconds.toFixed(0)} s`),
      { what: 'rows that differ', ours: String(differ), limit: '0', goal: '', met: differ === 0 },
    ],
  );
} finally {
  await remove();
}
