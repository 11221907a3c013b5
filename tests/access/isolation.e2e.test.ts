/**
 * What a namespace keeps from the callers of another one: values in stored answers, names in
 * messages, and its views' working order.
 */

import {
  count,
  featureService,
  featureView,
  onDemandFeature,
  request,
  source,
  sum,
} from 'millrace';
import { afterEach, describe, expect, test } from 'vitest';
import { col } from '#domain/expressions/build.ts';
import { plain } from '#tests/support/platform.ts';
import {
  card,
  charge,
  charges,
  DEFINITIONS,
  founder,
  type Guarded,
  guarded,
  spending,
  suspicion,
} from './support/fixture.ts';

let on: Guarded;
afterEach(() => on?.dispose());

/** A logged service of payments that read fraud's view, then a column of the same name. */
const both = featureService({
  namespace: 'payments',
  name: 'both',
  features: [suspicion, spending.pick('spent')],
  logging: { sample: 1 },
});
const renamed = featureView({
  namespace: 'payments',
  name: 'renamed',
  entity: card,
  source: charges,
  features: { seen: sum(col('amount')) },
});
const revised = featureService({
  namespace: 'payments',
  name: 'both',
  features: [renamed, spending.pick('spent')],
  logging: { sample: 1 },
});

describe('logged answers of a service that was revised', () => {
  const start = async (): Promise<void> => {
    on = await guarded({}, [...DEFINITIONS, ...plain(renamed, both)]);
    const { platform } = on;
    await platform.publishing.publish({ source: 'charges', events: [charge('a', 7)] }, founder);
    const read = (requestId: string) =>
      platform.serving.read(
        { service: 'both', entities: [{ card: 'c1' }] },
        { ...founder, requestId },
      );
    await read('before');
    await platform.registry.apply(plain(revised), { force: true, reason: 'test' }, founder);
    await read('after');
  };
  const served = (key: string, id: string) =>
    on.call('GET', `/v1/services/both/served?request=${id}`, key);

  test('an answer is shown to those who may see every view that it names', async () => {
    await start();
    const { header: own } = await on.key(['auditor@payments']);
    const { header: all } = await on.key(['auditor@payments', 'auditor@fraud']);
    expect((await served(own, 'after')).status).toBe(200);
    expect((await served(all, 'before')).status).toBe(200);
    const refused = await served(own, 'before');
    expect(refused.status).toBe(403);
    expect(JSON.stringify(refused.body)).not.toMatch(/fraud|suspicion|seen/);
  });

  test('skew does not compare answers of a view that the caller may not read', async () => {
    await start();
    const { header: own } = await on.key(['reader@payments']);
    const { header: all } = await on.key(['reader@payments', 'reader@fraud']);
    const skew = (key: string) => on.call('GET', '/v1/services/both/skew', key);
    expect((await skew(all)).status).toBe(200);
    const refused = await skew(own);
    expect(refused.status).toBe(403);
    expect(JSON.stringify(refused.body)).not.toMatch(/fraud|suspicion|seen/);
  });

  test('a view that moved is guarded in both its namespaces', async () => {
    await start();
    const moved = { ...suspicion, namespace: 'payments' };
    await on.platform.registry.apply(plain(moved), {}, founder);
    const { header: own } = await on.key(['auditor@payments']);
    expect((await served(own, 'before')).status).toBe(403);
  });
});

test('a name of a hidden namespace and one that is not registered get the same answer', async () => {
  on = await guarded();
  const keyOf = async (...roles: string[]) =>
    (await on.key(roles.map((role) => `${role}@elsewhere`))).header;
  const admin = await keyOf('admin');
  const entities = [{ card: 'c1' }];
  const spine = { rows: [{ card: 'c1', event_timestamp: 1 }] };
  const asks: readonly (readonly [string, string, (name: string) => unknown])[] = [
    ['POST', '/v1/features', (name) => ({ features: [`${name}:seen`], entities })],
    ['POST', '/v1/features', (name) => ({ features: [name], entities })],
    ['POST', '/v1/features', (name) => ({ service: name, entities })],
    ['POST', '/v1/sources/NAME/events', () => ({ events: [charge('x')] })],
    ['GET', '/v1/registry/feature-view/NAME', () => undefined],
    ['GET', '/v1/lineage?name=NAME', () => undefined],
    ['GET', '/v1/services/NAME/served?request=r', () => undefined],
    ['GET', '/v1/explain?view=NAME&feature=seen&entity.card=c1', () => undefined],
    ['GET', '/v1/rejected/NAME', () => undefined],
    ['GET', '/v1/late/NAME', () => undefined],
    ['POST', '/v1/datasets', (name) => ({ view: name, spine })],
    ['POST', '/v1/replays', (name) => ({ view: name })],
    ['GET', '/v1/replays/NAME-1', () => undefined],
    ['POST', '/v1/commands', (name) => ({ type: 'Retire', data: { kind: 'feature-view', name } })],
    [
      'POST',
      '/v1/plan',
      (name) => ({
        definitions: [{ ...suspicion, namespace: 'elsewhere', name: 'mine', source: name }],
      }),
    ],
  ];
  const text = (answer: unknown, name: string) => JSON.stringify(answer).replaceAll(name, 'NAME');
  for (const [method, path, body] of asks)
    for (const hidden of ['suspicion', 'hinted', 'mixed', 'charges']) {
      const ask = (name: string) => on.call(method, path.replace('NAME', name), admin, body(name));
      const [real, none] = [await ask(hidden), await ask('absent')];
      expect([real.status, text(real.body, hidden)], `${method} ${path} ${hidden}`).toEqual([
        none.status,
        text(none.body, 'absent'),
      ]);
      expect(real.status, `${method} ${path}`).toBeGreaterThanOrEqual(400);
    }
});

test('hints name only what the caller may see', async () => {
  on = await guarded();
  const { header } = await on.key(['reader@payments']);
  const ask = async (feature: string) =>
    (await on.call('POST', '/v1/features', header, { features: [feature], entities: [{}] })).body;
  expect((await ask('spendin:spent')).message).toMatch(/did you mean "spending"/);
  expect(JSON.stringify(await ask('suspicio:seen'))).not.toMatch(/did you mean/);
});

test('data sets and keys of a hidden namespace do not exist for a caller', async () => {
  on = await guarded();
  const { header: trainer } = await on.key(['reader@*']);
  const body = { view: 'spending', spine: { rows: [{ card: 'c1', event_timestamp: 1 }] } };
  const made = (await on.call('POST', '/v1/datasets', trainer, body)).body as { id: string };
  const { id } = await on.key(['reader@fraud']);
  const { header } = await on.key(['admin@elsewhere']);
  const text = async (method: string, path: string, name: string) => {
    const { status, body: answer } = await on.call(method, `${path}${name}`, header);
    return [status, JSON.stringify(answer).replaceAll(name, 'NAME')];
  };
  expect(await text('GET', '/v1/datasets/', made.id)).toEqual(
    await text('GET', '/v1/datasets/', 'ds-ffffffff'),
  );
  const named = { ...body, view: 'suspicion', name: 'hidden_set' };
  expect((await on.call('POST', '/v1/datasets', trainer, named)).status).toBe(202);
  for (const rest of ['', '@1', '@2', '/manifest', '@1/manifest', '/data', '/diff?with=x']) {
    const answers = ['hidden_set', 'absent_set'].map(async (name) => {
      const { status, body: answer } = await on.call('GET', `/v1/datasets/${name}${rest}`, header);
      return [status, JSON.stringify(answer).replaceAll(name, 'NAME')];
    });
    expect(await answers[0], rest).toEqual(await answers[1]);
  }
  const { header: reader } = await on.key(['reader@payments']);
  for (const newVersion of [false, true])
    expect(
      await on.call('POST', '/v1/datasets', reader, { ...body, name: 'hidden_set', newVersion }),
    ).toMatchObject({
      status: 409,
      body: {
        code: 'MR_REFUSED',
        message: 'the name "hidden_set" cannot be used: give the data set another one',
        details: { name: 'hidden_set' },
      },
    });
  const revoke = async (key: string) => {
    const { status, body: answer } = await on.call('POST', `/v1/keys/${key}/revoke`, header, {});
    return [status, JSON.stringify(answer).replaceAll(key, 'NAME')];
  };
  expect(await revoke(id)).toEqual(await revoke('000000000000'));
});

/** Computed from the request alone. */
const shouted = onDemandFeature({
  namespace: 'payments',
  name: 'shouted',
  type: 'double',
  inputs: { by: request('by', 'double') },
  value: ({ by }) => by.times(2),
});
const shouting = featureService({ namespace: 'payments', name: 'shouting', features: [shouted] });

/** How a caller with these grants is answered who asks for a data set; whether a list has it. */
const askedFor = async (id: string, ...grants: readonly string[]) => {
  const { header } = await on.key(grants);
  const answers = [];
  for (const [method, path] of [
    ['GET', ''],
    ['GET', '/data'],
    ['DELETE', ''],
  ] as const)
    answers.push((await on.call(method, `/v1/datasets/${id}${path}`, header)).status);
  const listed = (await on.call('GET', '/v1/datasets', header)).body as unknown as {
    id: string;
  }[];
  return [...answers, listed.some((one) => one.id === id)];
};

test('a data set without a view belongs to its owner and to admins of everything', async () => {
  on = await guarded({}, [...DEFINITIONS, ...plain(shouted, shouting)]);
  const { header: owner } = await on.key(['reader@payments']);
  const body = { service: 'shouting', spine: { rows: [{ by: 3, event_timestamp: 1 }] } };
  const { id } = (await on.call('POST', '/v1/datasets', owner, body)).body as { id: string };
  await on.platform.datasets.ended(id);
  expect((await on.call('GET', `/v1/datasets/${id}`, owner)).body).toMatchObject({
    state: 'done',
    views: [],
  });
  for (const grant of ['admin@payments', 'admin@elsewhere'])
    expect(await askedFor(id, grant), grant).toEqual([404, 404, 404, false]);
  expect(await askedFor(id, 'reader@*')).toEqual([403, 403, 403, false]);
  expect(await askedFor(id, 'admin@*')).toEqual([200, 200, 200, true]);
});

test('a data set of the events of a source is for admins of the source, too', async () => {
  on = await guarded();
  await on.platform.publishing.publish({ source: 'charges', events: [charge('e1')] }, founder);
  const { header: owner } = await on.key(['reader@fraud', 'auditor@payments']);
  const spine = { events: { source: 'charges', label: ['amount'] } };
  const body = { view: 'suspicion', spine };
  const { id } = (await on.call('POST', '/v1/datasets', owner, body)).body as { id: string };
  await on.platform.datasets.ended(id);
  expect((await on.call('GET', `/v1/datasets/${id}/data`, owner)).status).toBe(200);
  expect(await askedFor(id, 'admin@fraud')).toEqual([404, 404, 404, false]);
  expect(await askedFor(id, 'admin@fraud', 'auditor@payments')).toEqual([403, 403, 403, false]);
  expect(await askedFor(id, 'admin@fraud', 'admin@payments')).toEqual([200, 200, 200, true]);
});

/** Without the field that views of both namespaces read. */
const withoutAmount = source({
  namespace: 'payments',
  name: 'charges',
  fields: { id: 'string', card: 'string', at: 'timestamp' },
  eventTime: 'at',
  eventId: 'id',
});
const loss = featureView({
  namespace: 'fraud',
  name: 'loss',
  entity: card,
  source: charges,
  features: { lost: sum(col('amount')), n: count() },
});

describe('a change that breaks a view of another namespace', () => {
  const change = async (...grants: readonly string[]) => {
    const { header } = await on.key(grants);
    const forced = { force: true, reason: 'not needed any more' };
    const definitions = plain(withoutAmount);
    const applied = await on.call('POST', '/v1/apply', header, { definitions, ...forced });
    const [data] = definitions;
    const command = { type: 'RegisterSource', data, ...forced };
    const registered = await on.call('POST', '/v1/commands', header, command);
    const planned = await on.call('POST', '/v1/plan', header, { definitions });
    return { applied, registered, planned };
  };

  test('is refused without an author’s role there, in words that do not name it', async () => {
    on = await guarded({}, plain(card, charges, loss));
    const { applied, registered, planned } = await change('author@payments');
    for (const answer of [applied, registered]) {
      expect([answer.status, answer.body.code]).toEqual([403, 'MR_FORBIDDEN']);
      expect(answer.body.message).toContain('a definition of another namespace');
    }
    for (const answer of [applied, registered, planned])
      expect(JSON.stringify(answer.body)).not.toMatch(/loss|lost|fraud/);
    const { versions } = await on.platform.registry.show('source', 'charges');
    expect(versions.length).toBe(1);
    // The record of the refusal has the name, for auditors of the view's namespace only.
    const audit = async (...grants: readonly string[]) => {
      const { header } = await on.key(grants);
      return JSON.stringify((await on.call('GET', '/v1/audit', header)).body);
    };
    expect(await audit('auditor@payments')).not.toContain('loss');
    expect(await audit('auditor@payments', 'reader@fraud')).toContain('feature-view/loss');
  });

  test('a caller who may see the view is told its name', async () => {
    on = await guarded({}, plain(card, charges, loss));
    const { applied } = await change('author@payments', 'reader@fraud');
    expect(applied.body.message).toContain('feature-view/loss');
    expect(applied.status).toBe(403);
  });

  test('is made by an author of both', async () => {
    on = await guarded({}, plain(card, charges, loss));
    expect((await change('author@payments', 'author@fraud')).applied.status).toBe(200);
  });

  test('within one namespace it needs nothing more', async () => {
    on = await guarded({}, plain(card, charges, spending));
    expect((await change('author@payments')).applied.status).toBe(200);
  });
});

test('a removed feature that a service of another namespace reads needs that namespace’s consent', async () => {
  on = await guarded();
  const { header } = await on.key(['author@payments']);
  const { features, ...rest } = spending;
  const { spent: _, ...kept } = features;
  const definitions = plain({ ...rest, features: kept } as never);
  const body = { definitions, force: true, reason: 'test' };
  const refused = await on.call('POST', '/v1/apply', header, body);
  expect([refused.status, refused.body.message]).toEqual([
    403,
    expect.stringContaining('definitions of other namespaces'),
  ]);
  expect(JSON.stringify(refused.body)).not.toMatch(/mixed|hinted/);
});
