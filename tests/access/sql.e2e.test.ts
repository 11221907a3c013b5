/** SQL of callers with few rights: a table that a caller may not read does not exist for it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { featureService, source } from 'millrace';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AccessEntry } from '#domain/ports/access-log.ts';
import { plain } from '#tests/support/platform.ts';
import {
  charge,
  DEFINITIONS,
  founder,
  type Guarded,
  guarded,
  suspicion,
} from './support/fixture.ts';

const hidden = source({
  namespace: 'fraud',
  name: 'hidden',
  fields: { id: 'string', at: 'timestamp' },
  eventTime: 'at',
});
const logged = featureService({
  namespace: 'fraud',
  name: 'logged',
  features: [suspicion],
  logging: { sample: 1 },
});

let on: Guarded;
const entries: AccessEntry[] = [];
const log = { write: (entry: AccessEntry) => void entries.push(entry), close: async () => {} };

beforeEach(async () => {
  entries.length = 0;
  const samples = { others: 1, byNamespace: new Map() };
  on = await guarded({ accessLog: { log, samples } }, [...DEFINITIONS, ...plain(hidden, logged)]);
  await on.platform.publishing.publish(
    { source: 'charges', events: [charge('e1'), charge('e2'), charge('e3')] },
    founder,
  );
});
afterEach(() => on.dispose());

const key = async (...grants: readonly string[]): Promise<string> => (await on.key(grants)).header;
const run = (header: string, sql: string) => on.call('POST', '/v1/sql', header, { sql });
const tables = async (header: string): Promise<unknown> => {
  const { body } = await on.call('GET', '/v1/sql/tables', header);
  return (body as unknown as { name: string }[]).map(({ name }) => name);
};

test('a caller sees and reads the tables of its namespaces and roles only', async () => {
  const [operator, auditor, both, reader, admin] = [
    await key('operator@payments'),
    await key('auditor@fraud'),
    await key('auditor@fraud', 'auditor@payments'),
    await key('reader@*'),
    await key('admin@*'),
  ];
  expect(await tables(operator)).toEqual(['raw_charges']);
  expect(await tables(auditor)).toEqual(['served_logged']);
  expect(await tables(both)).toEqual(['served_logged']);
  const ofViews = ['spending', 'suspicion'].flatMap((view) =>
    ['v1', 'daily', 'history'].map((rows) => `${view}_${rows}`),
  );
  expect(await tables(reader)).toEqual(ofViews);
  expect(await tables(admin)).toEqual(['raw_charges', 'raw_hidden', 'served_logged', ...ofViews]);

  expect((await run(operator, 'SELECT count(*) FROM raw_charges')).body).toMatchObject({
    rows: [[3]],
  });
  const refused = await run(operator, 'SELECT * FROM raw_charges, RAW_HIDDEN');
  expect(refused.status).toBe(403);
  const absent = await run(operator, 'SELECT * FROM raw_charges, raw_absent');
  expect(absent.status).toBe(403);
  // One text for both, but for the name.
  expect(refused.body.message?.replaceAll('hidden', 'absent').replace('RAW', 'raw')).toBe(
    absent.body.message,
  );
  expect((await run(reader, 'SELECT * FROM raw_charges')).status).toBe(403);
  expect((await run(reader, 'FROM spending_daily')).body).toMatchObject({ rows: [] });
  expect((await run(operator, 'FROM suspicion_daily')).status).toBe(403);
  expect((await run(auditor, 'SELECT * FROM raw_charges')).status).toBe(403);
  expect((await run(auditor, 'FROM served_logged')).status).toBe(200);
  // The suggestion for a misspelled name is of what the caller may see.
  expect((await run(operator, 'FROM hidden')).body.message).toBe('there is no table "hidden"');
  const nothing = await key('producer@*');
  expect((await run(nothing, 'SELECT 1')).status).toBe(403);
});

test('logged answers need the right on all that the service has ever read', async () => {
  const auditor = await key('auditor@fraud');
  const moved = plain({ ...suspicion, namespace: 'secret' });
  await on.platform.registry.apply(moved, { force: true, reason: 'moved' }, founder);
  expect(await tables(auditor)).toEqual([]);
  expect((await run(auditor, 'FROM served_logged')).status).toBe(403);
  await on.platform.registry.apply(plain(suspicion), { force: true, reason: 'back' }, founder);
  expect((await run(auditor, 'FROM served_logged')).status).toBe(403);
  const wide = await key('auditor@fraud', 'auditor@secret');
  expect((await run(wide, 'FROM served_logged')).status).toBe(200);
});

test('rows count toward the quota, and the access log has each statement', async () => {
  const { id, header } = await on.key(['operator@payments'], { limits: { rowsPerDay: 3 } });
  expect((await run(header, 'FROM raw_charges')).status).toBe(200);
  expect((await run(header, 'FROM raw_charges')).body.code).toBe('MR_QUOTA_EXCEEDED');
  expect(entries).toMatchObject([
    {
      act: 'sql',
      principal: `access-key/${id}`,
      what: ['table/raw_charges'],
      namespaces: ['payments'],
      entities: 3,
      outcome: 'ok',
    },
  ]);
});

test('a caller has two statements at a time; one whose client has gone ends', async () => {
  const header = await key('operator@payments');
  const slow = 'SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b';
  const clients = [new AbortController(), new AbortController()];
  const running = clients.map(({ signal }) =>
    fetch(`${on.http.url}/v1/sql`, {
      method: 'POST',
      headers: { authorization: header, 'content-type': 'application/json' },
      body: JSON.stringify({ sql: slow, limits: { seconds: 300 } }),
      signal,
    }).catch((error: Error) => error.name),
  );
  const code = async (): Promise<string | undefined> => (await run(header, 'SELECT 1')).body.code;
  while ((await code()) !== 'MR_RATE_LIMITED') await sleep(20);
  for (const client of clients) client.abort();
  expect(await Promise.all(running)).toEqual(['AbortError', 'AbortError']);
  while ((await code()) !== undefined) await sleep(20);
});
