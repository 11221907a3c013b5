/** The access log of a platform behind its gateways: who read what, and never a value or a key. */
import { afterEach, expect, test } from 'vitest';
import type { AccessEntry } from '#domain/ports/access-log.ts';
import type { EmbeddedParts } from '#infra/profiles/embedded.ts';
import { charge, founder, type Guarded, guarded } from './support/fixture.ts';

let on: Guarded;
const entries: AccessEntry[] = [];
const log = { write: (entry: AccessEntry) => void entries.push(entry), close: async () => {} };
const open = async (others: number, namespaces: Readonly<Record<string, number>> = {}) => {
  entries.length = 0;
  const byNamespace = new Map(Object.entries(namespaces));
  on = await guarded({ accessLog: { log, samples: { others, byNamespace } } });
};
afterEach(() => on.dispose());

const SECRET = 'secret-card';
const features = (name: string) => ({
  features: [`${name}`],
  entities: [{ card: SECRET }, { card: 'another-secret' }],
});

test('each act is an entry with its principal, what it shows, and how many', async () => {
  await open(1);
  const { id, header } = await on.key(['admin@*'], { name: 'ann' });
  const event = { ...charge('e1', 987_654_321), card: SECRET };
  await on.platform.publishing.publish({ source: 'charges', events: [event] }, founder);
  const call = (method: string, path: string, body?: unknown) =>
    on.call(method, path, header, body);
  const request = [{ by: 2 }];
  await call('POST', '/v1/features', { service: 'scoring', entities: [{ card: SECRET }], request });
  await call('POST', '/v1/features', features('suspicion:seen'));
  await call('GET', `/v1/explain?view=spending&feature=spent&entity.card=${SECRET}`);
  const spine = { rows: [{ card: SECRET, event_timestamp: Date.now() }] };
  await call('POST', '/v1/datasets', { view: 'spending', spine });
  await call('GET', '/v1/sources/charges/events');
  await call('GET', '/v1/services/scoring/served?request=r');
  await call('GET', '/v1/services/scoring/skew');
  await call('POST', '/v1/features', features('nothing:at_all'));
  await call('GET', '/v1/registry');

  expect(entries.map(({ act, what, entities, outcome }) => [act, what, entities, outcome])).toEqual(
    [
      ['read', ['feature-service/scoring'], 1, 'ok'],
      ['read', ['suspicion:seen'], 2, 'ok'],
      ['explain', ['spending:spent'], 1, 'ok'],
      ['dataset', ['spending:'], 1, 'ok'],
      ['export', ['source/charges'], 1, 'ok'],
      ['served', ['feature-service/scoring'], null, 'MR_REFUSED'],
      ['skew', ['feature-service/scoring'], null, 'MR_REFUSED'],
      ['read', ['nothing:at_all'], 2, 'MR_NOT_FOUND'],
    ],
  );
  expect(entries[0]).toMatchObject({
    principal: `access-key/${id}`,
    actor: 'ann',
    namespaces: ['payments'],
    request: expect.any(String),
  });
  expect(entries[1]?.namespaces).toEqual(['fraud']);
  expect(JSON.stringify(entries)).not.toMatch(/secret|987654321/);
});

test('a data set of events is logged for the namespace of its source, and so is building it again', async () => {
  await open(0, { payments: 1 });
  await on.platform.publishing.publish({ source: 'charges', events: [charge('e1')] }, founder);
  const { header } = await on.key(['reader@fraud', 'auditor@payments']);
  const call = async (path: string, body: object): Promise<number> => {
    const { status, body: made } = await on.call('POST', `/v1/datasets${path}`, header, body);
    if (status === 202) await on.platform.datasets.ended((made as { id: string }).id);
    return status;
  };
  const spine = { events: { source: 'charges' } };
  expect(await call('', { view: 'suspicion', spine, name: 'seen_at' })).toBe(202);
  expect(await call('/seen_at/rerun', {})).toBe(202);
  expect(entries.map(({ act, what, namespaces }) => [act, what, namespaces])).toEqual([
    ['dataset', ['suspicion:'], ['fraud', 'payments']],
    ['dataset', ['dataset/seen_at'], ['fraud', 'payments']],
  ]);
});

test('a table that another engine loads is an entry; one that it may not read is not', async () => {
  let parts: EmbeddedParts | undefined;
  entries.length = 0;
  const accessLog = { log, samples: { others: 1, byNamespace: new Map() } };
  on = await guarded({ accessLog }, undefined, {
    onParts: (opened) => {
      parts = opened;
    },
  });
  await on.platform.publishing.publish({ source: 'charges', events: [charge('e1')] }, founder);
  await parts?.history.sync('raw.charges');
  const load = async (grant: string): Promise<number> => {
    const { header } = await on.key([grant]);
    const path = '/iceberg/v1/namespaces/raw/tables/charges';
    return (await on.call('GET', path, header)).status;
  };
  expect([await load('operator@payments'), await load('reader@payments')]).toEqual([200, 404]);
  expect(
    entries.map(({ act, what, namespaces, entities, outcome }) => [
      act,
      what,
      namespaces,
      entities,
      outcome,
    ]),
  ).toEqual([['table', ['raw.charges'], ['payments'], null, 'ok']]);
});

test('a refusal of access is in the audit log, not here', async () => {
  await open(1);
  const { header } = await on.key(['reader@fraud']);
  expect((await on.call('POST', '/v1/features', header, features('spending:spent'))).status).toBe(
    403,
  );
  expect(entries).toEqual([]);
});

test('each namespace has its share; what shows several is logged with the highest', async () => {
  await open(0, { fraud: 1 });
  const { header } = await on.key(['reader@*']);
  const read = (body: object) => on.call('POST', '/v1/features', header, body);
  await read(features('spending:spent'));
  await read(features('suspicion:seen'));
  await read({ service: 'mixed', entities: [{ card: SECRET }] });
  expect(entries.map(({ what, namespaces, sample }) => [what, namespaces, sample])).toEqual([
    [['suspicion:seen'], ['fraud'], 1],
    [['feature-service/mixed'], ['fraud', 'payments'], 1],
  ]);
});
