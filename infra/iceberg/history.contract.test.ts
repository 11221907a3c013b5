import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { historyContract } from '#tests/contracts/history.contract.ts';
import { FILE_LOG_MODULE, fileLog, historyIn } from '#tests/contracts/history.fixture.ts';
import {
  FLIGHTS_AVRO,
  FLIGHTS_DOUBLES_AVRO,
  FLIGHTS_EVOLVED_AVRO,
  UPDATES,
  UPDATES_AVRO,
} from '#tests/contracts/history.samples.ts';
import { openIcebergHistory } from './history.ts';

const TOPICS = [
  { topic: 'raw.flights', partitions: 2 },
  { topic: 'features.delays', partitions: 1 },
];

historyContract('Iceberg on a local disk', async () => {
  const data = mkdtempSync(join(tmpdir(), 'millrace-history-'));
  const directory = join(data, 'log');
  const log = fileLog(directory);
  const [flights, evolved, doubles, updates] = [
    log.schema(FLIGHTS_AVRO),
    log.schema(FLIGHTS_EVOLVED_AVRO),
    log.schema(FLIGHTS_DOUBLES_AVRO),
    log.schema(UPDATES_AVRO),
  ];
  const open = () =>
    openIcebergHistory({
      ...historyIn(data),
      input: { module: FILE_LOG_MODULE, options: { directory, topics: TOPICS } },
      commitAfterMs: 0,
    });
  let history = await open();
  const append = (
    topic: string,
    partition: number,
    schema: number,
    rows: readonly object[],
    logTime: number,
  ): number[] => {
    log.append(topic, partition, schema, rows, logTime);
    return rows.map(() => logTime);
  };
  return {
    history,
    source: 'flights',
    view: 'delays',
    updates: UPDATES,
    stopsWhereRequested: true,
    appendRaw: (partition, rows, logTime) =>
      append('raw.flights', partition, flights, rows, logTime),
    appendEvolved: (partition, rows, logTime) =>
      append('raw.flights', partition, evolved, rows, logTime),
    appendDoubles: (partition, rows, logTime) =>
      append('raw.flights', partition, doubles, rows, logTime),
    appendUpdates: (rows, logTime) => append('features.delays', 0, updates, rows, logTime),
    async reopen() {
      await history.close();
      history = await open();
      return history;
    },
    async close() {
      await history.close();
      rmSync(data, { recursive: true, force: true });
    },
  };
});
