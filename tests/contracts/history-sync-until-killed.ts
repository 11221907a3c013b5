/** A process that syncs a history until it is killed. argv: its data directory. */
import { join } from 'node:path';
import { openIcebergHistory } from '#infra/iceberg/history.ts';
import { FILE_LOG_MODULE, historyIn } from './history.fixture.ts';

const data = process.argv[2] as string;
const history = await openIcebergHistory({
  ...historyIn(data),
  input: {
    module: FILE_LOG_MODULE,
    options: { directory: join(data, 'log'), topics: [{ topic: 'raw.flights', partitions: 2 }] },
  },
  commitAfterMs: 0,
  commitRows: 100,
});
for (;;) {
  const reached = await history.endOffsets('raw.flights');
  await history.sync('raw.flights', [
    Math.min(3000, (reached[0] ?? 0) + 100),
    Math.min(3000, (reached[1] ?? 0) + 100),
  ]);
  process.stdout.write('synced\n');
}
