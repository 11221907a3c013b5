/** Data sets that Flink joins: from Iceberg's tables, by batch jobs of the running cluster. */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import { rawAvroSchema } from '#domain/sources/source-schema.ts';
import type { RawEvent } from '#domain/values/value.ts';
import { flinkCluster, LIVE_STATES } from '#infra/flink/cluster.ts';
import { flinkJoins } from '#infra/flink/joins.ts';
import { tableReader } from '#infra/shared/iceberg/pinned-table.ts';
import { icebergSchemaFromAvro, META_COLUMNS } from '#infra/shared/iceberg/schema.ts';
import { tableDirectory } from '#infra/shared/iceberg/table-directory.ts';
import { makeTableOfRows } from '#infra/shared/iceberg/table-of-rows.ts';
import { casesOf, joinEngineContract } from '#tests/contracts/join-engine.contract.ts';
import { addresses } from '#tests/stack/support/addresses.ts';
import { icebergTables } from '#tests/stack/support/warehouse.ts';
import { rawRelation } from '#tests/support/raw-events.ts';

/** The table of the source's events, as the archive job would have written it. */
const storeRaw = async (
  connection: DuckDBConnection,
  source: SourceDefinition,
  events: readonly RawEvent[],
) => {
  const topic = rawTopic(source.name);
  const table = tableDirectory(icebergTables(), topic);
  const columns = [...icebergSchemaFromAvro(rawAvroSchema(source)), ...META_COLUMNS];
  const relation = await rawRelation(connection, `stored_${source.name}`, source, events);
  const snapshot = await makeTableOfRows(connection, {
    table,
    name: topic,
    columns,
    partitionBy: source.eventTime,
    relation,
    now: Date.now(),
  });
  const pinned = await tableReader(table).pin();
  const uris = pinned?.files.map(({ uri }) => uri) ?? [];
  return { files: await table.files.engine.readable(uris), snapshot: String(snapshot) };
};

joinEngineContract(
  'Flink',
  async () => {
    const { flink, sqlGateway: gateway, warehouse } = addresses();
    const cluster = flinkCluster(flink);
    const tables = icebergTables();
    return {
      engine: flinkJoins({ tables, warehouse, gateway, cluster, now: Date.now }),
      store: storeRaw,
      isRunning: async () =>
        (await cluster.jobs()).some(
          ({ name, state }) => name.startsWith('dataset-join') && LIVE_STATES.has(state),
        ),
      close: () => {},
    };
  },
  { cases: casesOf(3), failures: true, outlives: true },
);
