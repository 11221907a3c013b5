/**
 * After manifests are merged, days compacted and snapshots expired, other readers still read every
 * row of the table.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openIcebergHistory } from '#infra/iceberg/history.ts';
import { expireSnapshots } from '#infra/iceberg/maintenance.ts';
import { tableDirectory } from '#infra/shared/iceberg/table-directory.ts';
import { FILE_LOG_MODULE, fileLog, historyIn } from '#tests/contracts/history.fixture.ts';
import { FLIGHTS_AVRO, flight } from '#tests/contracts/history.samples.ts';
import { hasPython, pythonWithPyiceberg } from '#tests/support/venv.ts';

const READ = `
import sys
from pyiceberg.table import StaticTable
table = StaticTable.from_metadata(sys.argv[1])
print(sorted(table.scan().to_arrow().column('_offset').to_pylist()), len(table.current_snapshot().manifests(table.io)), len(table.metadata.snapshots))
`;

// pyiceberg is the second reader, and needs a python3
it.skipIf(!hasPython())(
  'reads the same rows after maintenance',
  async () => {
    const data = mkdtempSync(join(tmpdir(), 'millrace-maintained-'));
    const directory = join(data, 'log');
    const log = fileLog(directory);
    const schema = log.schema(FLIGHTS_AVRO);
    const input = {
      module: FILE_LOG_MODULE,
      options: { directory, topics: [{ topic: 'raw.flights', partitions: 1 }] },
    };
    const history = await openIcebergHistory({ ...historyIn(data), input, commitAfterMs: 0 });
    const table = join(data, 'history', 'raw', 'flights');
    const read = (): string =>
      execFileSync(pythonWithPyiceberg(), ['-c', READ, table], { encoding: 'utf8' }).trim();
    const offsets = Array.from({ length: 28 }, (_, i) => i);
    for (const i of offsets) {
      log.append('raw.flights', 0, schema, [flight(i, 'ATL')], 1_000 + i);
      await history.sync('raw.flights');
    }
    const all = `[${offsets.join(', ')}]`;
    expect(read()).toBe(`${all} 5 28`);
    await history.maintain('raw.flights');
    expect((await history.dataFiles('raw.flights')).length).toBe(1);
    expect(
      await expireSnapshots(tableDirectory(historyIn(data).root, 'raw.flights'), {
        keep: 1,
        minAge: 0,
        now: Date.now() + 1,
      }),
    ).toBe(28);
    expect(read()).toMatch(new RegExp(`^\\${all} \\d 1$`.replace(']', '\\]')));
    expect(
      readdirSync(join(table, 'data'), { recursive: true }).filter((name) =>
        String(name).endsWith('.parquet'),
      ),
    ).toHaveLength(1);
    expect((await history.events({ source: 'flights' })).map((event) => event.offset)).toEqual(
      offsets,
    );
    await history.close();
    rmSync(data, { recursive: true, force: true });
  },
  180_000,
);
