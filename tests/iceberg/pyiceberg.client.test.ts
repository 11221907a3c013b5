/** pyiceberg attaches by URL with a key, and reads what the platform accepted. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EmbeddedParts } from '#infra/profiles/embedded.ts';
import { charge, type Guarded, guarded } from '#tests/access/support/fixture.ts';
import { giveIds } from '#tests/support/foreign-ids.ts';
import { hasPython, pythonWithPyiceberg } from '#tests/support/venv.ts';

interface Row {
  readonly id: string;
  readonly amount: number;
  readonly _offset: number;
}
interface Seen {
  readonly namespaces: readonly (readonly string[])[];
  readonly tables: readonly string[];
  readonly views: readonly unknown[];
  readonly exists: readonly boolean[];
  readonly rows: readonly Row[];
  readonly filtered: readonly Row[];
  readonly snapshots: readonly { readonly id: string; readonly rows: readonly Row[] }[];
  readonly current: string;
  readonly refused: Readonly<Record<string, string | null>>;
}

const python = hasPython();
if (!python) console.warn('pyiceberg is not tested: this machine has no python3');

describe.skipIf(!python)('pyiceberg', () => {
  let on: Guarded;
  let operator: string;
  let reader: string;
  let parts: EmbeddedParts | undefined;

  const read = async (): Promise<Seen> => {
    const { stdout } = await promisify(execFile)(pythonWithPyiceberg(), [
      join(import.meta.dirname, 'read_catalog.py'),
      `${on.http.url}/iceberg`,
      operator,
      reader,
      'raw.charges',
      'amount >= 2.5',
    ]);
    return JSON.parse(stdout) as Seen;
  };
  const ids = (rows: readonly Row[]): readonly string[] => rows.map(({ id }) => id);

  beforeAll(async () => {
    pythonWithPyiceberg();
    on = await guarded({}, undefined, {
      onParts: (opened) => {
        parts = opened;
      },
    });
    const bare = async (grant: string): Promise<string> =>
      (await on.key([grant])).header.replace('Bearer ', '');
    operator = await bare('operator@payments');
    reader = await bare('reader@payments');
    for (const batch of [[1, 2], [3], [4]]) {
      const events = batch.map((amount) => charge(`e${amount}`, amount));
      await on.platform.publishing.publish({ source: 'charges', events }, { actor: 'founder' });
      await parts?.history.sync('raw.charges');
    }
  }, 180_000);
  afterAll(() => on?.dispose());

  test('reads with a filter and at a snapshot, and is refused what it may not do', async () => {
    const seen = await read();
    expect(seen.namespaces).toEqual([['raw'], ['rollup'], ['served']]);
    expect(seen.tables).toEqual(['raw.charges']);
    expect(seen.views).toEqual([]);
    expect(seen.exists).toEqual([true, false, true, false]);
    const exported = [];
    for await (const rows of await on.platform.publishing.exportEvents('charges'))
      exported.push(...rows);
    expect(seen.rows.map(({ id, amount }) => [id, amount])).toEqual(
      exported.map(({ id, amount }) => [id, amount]),
    );
    expect(ids(seen.rows)).toEqual(['e1', 'e2', 'e3', 'e4']);
    expect(ids(seen.filtered)).toEqual(['e3', 'e4']);
    expect(seen.snapshots.map(({ rows }) => ids(rows))).toEqual([
      ['e1', 'e2'],
      ['e1', 'e2', 'e3'],
      ['e1', 'e2', 'e3', 'e4'],
    ]);
    expect(seen.refused).toEqual({
      'without a key': 'UnauthorizedError',
      'wrong key': 'UnauthorizedError',
      'not allowed': 'NoSuchTableError',
      missing: 'NoSuchTableError',
      create: 'NotImplementedError',
      drop: 'NotImplementedError',
      commit: 'NotImplementedError',
    });
  });

  test('snapshot ids near 2^63 arrive as they are in the table, and find their rows', async () => {
    const id = 2n ** 63n - 3n;
    const seenBefore = (await read()).snapshots.map((snapshot) => BigInt(snapshot.id));
    await giveIds(join(on.test.directory, 'history', 'raw', 'charges'), (own) => {
      return id + BigInt(seenBefore.indexOf(own));
    });
    const { snapshots, current } = await read();
    expect(snapshots.map((snapshot) => [snapshot.id, snapshot.rows.length])).toEqual([
      [String(id), 2],
      [String(id + 1n), 3],
      [String(id + 2n), 4],
    ]);
    expect(current).toBe('9223372036854775807');
  });
});
