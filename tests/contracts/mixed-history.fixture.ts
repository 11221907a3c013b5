/**
 * A history of flights whose files differ: in log order and sorted by keys, of two schemas and two
 * partitions, with values of all kinds.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Directory } from '#domain/ports/file-io.ts';
import type { RawEvent } from '#domain/values/value.ts';
import { type IcebergHistory, openIcebergHistory } from '#infra/iceberg/history.ts';
import { FILE_LOG_MODULE, fileLog, historyIn } from './history.fixture.ts';
import { FLIGHTS_AVRO, FLIGHTS_EVOLVED_AVRO, mixedFlights, pick } from './history.samples.ts';

export const MIXED_ROWS = 24_000;
export const MIXED_TOPIC = 'raw.flights';

export interface MixedHistory {
  readonly root: Directory;
  readonly history: IcebergHistory;
  /** in the order of time, as DuckDB reads them */
  readonly all: readonly RawEvent[];
  readonly close: () => Promise<void>;
}

export const mixedHistory = async (): Promise<MixedHistory> => {
  const data = mkdtempSync(join(tmpdir(), 'millrace-mixed-'));
  const directory = join(data, 'log');
  const log = fileLog(directory);
  const [plain, evolved] = [log.schema(FLIGHTS_AVRO), log.schema(FLIGHTS_EVOLVED_AVRO)];
  const options = historyIn(data);
  const topics = [{ topic: MIXED_TOPIC, partitions: 2 }];
  const history = await openIcebergHistory({
    ...options,
    input: { module: FILE_LOG_MODULE, options: { directory, topics } },
    commitAfterMs: 0,
  });
  const third = MIXED_ROWS / 3;
  log.append(MIXED_TOPIC, 0, plain, mixedFlights(0, third), 1_000);
  await history.sync(MIXED_TOPIC);
  await history.sortBy({ [MIXED_TOPIC]: ['origin', 'seats'] });
  const wide = mixedFlights(third, 2 * third).map((row, i) => ({
    ...row,
    note: pick([null, 'hej', 'då'], i),
  }));
  log.append(MIXED_TOPIC, 1, evolved, wide, 2_000);
  await history.sync(MIXED_TOPIC);
  log.append(MIXED_TOPIC, 0, plain, mixedFlights(2 * third, MIXED_ROWS), 3_000);
  await history.sync(MIXED_TOPIC);
  return {
    root: options.root,
    history,
    all: await history.events({ source: 'flights' }),
    async close() {
      await history.close();
      rmSync(data, { recursive: true, force: true });
    },
  };
};
