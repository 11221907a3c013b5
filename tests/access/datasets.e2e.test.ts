/**
 * Who sees a named data set, in each place that shows it: its manifest, the catalog, a search, the
 * lineage; and who may have its rows, those of the statement of its spine included.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Found, LineageGraph } from '#domain/api/registry.ts';
import { charge, type Guarded, guarded } from './support/fixture.ts';

let on: Guarded;
const founder = { actor: 'founder' };
const keys = new Map<string, string>();

const SQL = 'SELECT card, "at" AS event_timestamp, amount FROM raw_charges ORDER BY id';
const spine = { rows: [{ card: 'c1', event_timestamp: Date.now() }] };

const call = async (who: string, method: string, path: string, body?: unknown) => {
  const key = keys.get(who) ?? (await on.key(who.split(' '))).header;
  keys.set(who, key);
  return on.call(method, path, key, body);
};
const make = async (who: string, body: object) => {
  const answer = await call(who, 'POST', '/v1/datasets', body);
  if (answer.status === 202)
    await on.platform.datasets.ended((answer.body as { readonly id: string }).id);
  return answer;
};

const ALL = 'admin@*';
const BOTH = 'reader@payments reader@fraud';

beforeAll(async () => {
  on = await guarded();
  const events = [charge('e1', 3), charge('e2', 5)];
  await on.platform.publishing.publish({ source: 'charges', events }, founder);
  const sets = [
    { name: 'of_payments', view: 'spending', spine },
    { name: 'of_fraud', view: 'suspicion', spine },
    { name: 'of_both', service: 'mixed', spine },
    { name: 'of_events', view: 'suspicion', spine: { events: { source: 'charges' } } },
    { name: 'of_statement', view: 'suspicion', spine: { sql: SQL } },
  ];
  for (const set of sets) expect((await make(ALL, set)).status, set.name).toBe(202);
});
afterAll(() => on.dispose());

const SEEN: readonly (readonly [string, readonly string[]])[] = [
  ['admin@*', ['of_both', 'of_events', 'of_fraud', 'of_payments', 'of_statement']],
  [BOTH, ['of_both', 'of_events', 'of_fraud', 'of_payments', 'of_statement']],
  ['reader@payments', ['of_payments']],
  // Its rows come from a source that readers of fraud do not see.
  ['reader@fraud', ['of_fraud']],
  ['admin@elsewhere', []],
];

test.each(SEEN)('%s sees exactly these', async (who, names) => {
  const found = async (path: string): Promise<readonly string[]> =>
    ((await call(who, 'GET', path)).body as unknown as readonly Found[])
      .filter(({ kind }) => kind === 'dataset')
      .map(({ name }) => name);
  expect(await found('/v1/search?q=of_')).toEqual(names);
  expect(await found('/v1/registry/dataset')).toEqual(names);
  const { nodes } = (await call(who, 'GET', '/v1/lineage')).body as unknown as LineageGraph;
  const shown = nodes.filter(({ kind }) => kind === 'dataset').map(({ id }) => id);
  expect(shown.sort()).toEqual(names.map((name) => `dataset/${name}`));
  for (const [, all] of SEEN.slice(0, 1))
    for (const name of all) {
      const path = (of: string): string => `/v1/datasets/${of}/manifest`;
      const { status, body } = await call(who, 'GET', path(name));
      if (names.includes(name)) expect(status, name).toBe(200);
      else {
        const absent = await call(who, 'GET', path('absent'));
        expect([status, JSON.stringify(body).replaceAll(name, 'absent')]).toEqual([
          absent.status,
          JSON.stringify(absent.body),
        ]);
      }
      const near = await call(who, 'GET', `/v1/lineage?name=${name}`);
      expect(near.status === 200, `lineage of ${name}`).toBe(names.includes(name));
    }
});

test('the catalog says what a data set has', async () => {
  const { body } = await call(BOTH, 'GET', '/v1/registry/datasets');
  expect(body).toContainEqual({
    kind: 'dataset',
    name: 'of_events',
    version: 1,
    status: 'active',
    namespace: 'fraud',
    owner: expect.any(String),
    description: null,
    tags: [],
    of: 'feature-view/suspicion',
    createdAt: expect.any(Number),
    rows: 2,
    versions: [
      { version: 1, registeredAt: expect.any(Number), actor: expect.any(String), reason: null },
    ],
    upstream: ['feature-view/suspicion', 'source/charges'],
    downstream: [],
  });
  const search = async (q: string) =>
    ((await call(BOTH, 'GET', `/v1/search?q=${q}`)).body as unknown as readonly Found[]).map(
      ({ name }) => name,
    );
  // By a column of it.
  expect(await search('amount')).toContain('of_statement');
  expect(await search('of_statement%20seen')).toEqual(['of_statement']);
  expect(await search('of_statement%20nothing')).toEqual([]);
});

test('a statement reads with the rights of its caller, also when its rows are kept', async () => {
  const sql = { view: 'spending', spine: { sql: SQL } };
  expect((await make('reader@payments', sql)).body.code).toBe('MR_FORBIDDEN');
  expect((await make('operator@payments reader@payments', sql)).status).toBe(202);
  // Hidden tables and absent ones get one answer.
  const ask = async (table: string) => {
    const statement = `SELECT 'c1' AS card, now() AS event_timestamp FROM ${table}`;
    const view = { view: 'suspicion', spine: { sql: statement } };
    const { status, body } = await make('reader@fraud operator@fraud', view);
    return [status, JSON.stringify(body).replaceAll(table.slice('raw_'.length), 'NAME')];
  };
  expect(await ask('raw_charges')).toEqual(await ask('raw_absent'));

  const rerun = (who: string) => call(who, 'POST', '/v1/datasets/of_statement/rerun', {});
  expect((await rerun(BOTH)).body.code).toBe('MR_FORBIDDEN');
  expect((await rerun(`${BOTH} operator@payments`)).status).toBe(202);
  expect((await rerun('reader@fraud')).status).toBe(404);
  // The same request under the same name is a rerun, too.
  const same = { name: 'of_statement', view: 'suspicion', spine: { sql: SQL } };
  expect((await make(BOTH, same)).body.code).toBe('MR_FORBIDDEN');
  expect((await make(`${BOTH} operator@payments`, same)).status).toBe(202);
});

test.each([
  ['of_statement', 'sql'],
  ['of_events', 'events'],
])('the rows of %s are for admins of what they come from', async (name, kind) => {
  const path = `/v1/datasets/${name}`;
  for (const rest of ['', '/data']) {
    expect((await call('admin@fraud', 'GET', `${path}${rest}`)).status, kind).toBe(404);
    expect((await call('admin@fraud admin@payments', 'GET', `${path}${rest}`)).status).toBe(200);
  }
  const listed = async (who: string): Promise<boolean> =>
    ((await call(who, 'GET', '/v1/datasets')).body as unknown as { name?: string }[]).some(
      (one) => one.name === name,
    );
  expect([await listed('admin@fraud'), await listed('admin@fraud admin@payments')]).toEqual([
    false,
    true,
  ]);
});

test('rows are compared for those who may have both files', async () => {
  const path = '/v1/datasets/of_fraud/diff/rows?with=of_statement';
  expect((await call(ALL, 'GET', path)).body).toMatchObject({
    keys: ['card'],
    rows: { first: 1, second: 2 },
    columnsOfOne: { first: [], second: ['amount'] },
  });
  expect((await call(BOTH, 'GET', path)).body.code).toBe('MR_FORBIDDEN');
  // Its owner may have the file, and not that of the other one.
  const own = { name: 'own', view: 'suspicion', spine };
  expect((await make(BOTH, own)).status).toBe(202);
  expect((await call(BOTH, 'GET', '/v1/datasets/own/diff/rows?with=own@1')).status).toBe(200);
  const mixed = await call(BOTH, 'GET', '/v1/datasets/own/diff/rows?with=of_fraud');
  expect(mixed.body.code).toBe('MR_FORBIDDEN');
  const hidden = await call('reader@fraud', 'GET', '/v1/datasets/of_fraud/diff/rows?with=of_both');
  expect(hidden.status).toBe(404);
});
