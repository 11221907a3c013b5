/**
 * Explanations of a running platform: of a feature of a view, and of an on-demand feature down to
 * the raw events of its inputs. What they say equals what a read says.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  avg,
  col,
  count,
  type Definition,
  type Expression,
  entity,
  featureService,
  featureView,
  last,
  lit,
  onDemandFeature,
  request,
  source,
  when,
} from 'millrace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type {
  ExplainedInput,
  OnDemandExplanation,
  ReadResult,
  ViewExplanation,
} from '#domain/api/serving.ts';
import type { Row, Value } from '#domain/values/value.ts';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { type Ran, runInProcess } from '#tests/support/cli.ts';
import {
  caller,
  plain,
  replayFilled,
  type TestPlatform,
  testPlatform,
} from '#tests/support/platform.ts';
import { call } from '#tests/support/server.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const buyer = entity({ name: 'buyer', keys: { buyer: 'long' } });
const sales = source({
  name: 'sales',
  fields: { shop: 'string', buyer: 'long', at: 'timestamp', amount: 'double?' },
  eventTime: 'at',
});
const turnover = featureView({
  name: 'turnover',
  entity: shop,
  source: sales,
  where: col('amount').gt(0),
  ttl: '60d',
  features: {
    sales_30d: count({ window: '30d' }),
    mean_7d: avg(col('amount'), { window: '7d' }),
    large: count({ where: col('amount').gte(10) }),
  },
});
const habits = featureView({
  name: 'habits',
  entity: buyer,
  source: sales,
  features: { bought: count(), last_amount: last(col('amount')) },
});
const ratio = onDemandFeature({
  name: 'ratio',
  type: 'double',
  inputs: { mean: turnover.feature('mean_7d'), amount: request('amount', 'double') },
  value: ({ mean, amount }) => amount.dividedBy(mean),
});
const risk = onDemandFeature({
  name: 'risk',
  type: 'double',
  inputs: {
    ratio,
    bought: habits.feature('bought'),
    mean: turnover.feature('mean_7d'),
    night: request('night', 'boolean?'),
  },
  value: ({ ratio: r, bought, mean, night }) =>
    when((night as Expression).coalesce(false), (r as Expression).times(2))
      .when((bought as Expression).lt(2).and((mean as Expression).gt(1)), r as Expression)
      .otherwise(0),
});
const certain = onDemandFeature({
  name: 'certain',
  type: 'long',
  inputs: { bought: habits.feature('bought') },
  value: ({ bought }) => bought,
});
const model = featureService({ name: 'model', features: [turnover, habits, ratio, risk, certain] });

let running: TestPlatform;
let gateway: HttpGateway;
let now: number;

const apply = (...definitions: readonly Definition[]) =>
  running.platform.registry.apply(plain(...definitions), {}, caller);
const publish = (...events: readonly Row[]) =>
  running.platform.publishing.publish({ source: 'sales', events }, caller);
const get = async (path: string): Promise<{ status: number; body: Record<string, unknown> }> => {
  const { status, body } = await call(gateway.url, path);
  return { status, body: body as Record<string, unknown> };
};
const millrace = (...args: readonly string[]): Promise<Ran> =>
  runInProcess(args, { MILLRACE_URL: gateway.url });

beforeAll(async () => {
  running = await testPlatform();
  gateway = await createHttpGateway({
    modules: httpModules(),
    platform: running.platform,
    port: 0,
  });
  await apply(shop, buyer, sales, turnover, habits, ratio, risk, certain, model);
  now = Date.now();
  const { rejected } = await publish(
    { shop: 'a', buyer: 1, at: now - DAY, amount: 4 },
    { shop: 'a', buyer: 2, at: now - 2 * DAY, amount: 12 },
    { shop: 'a', buyer: 1, at: now - 20 * DAY, amount: 30 },
    { shop: 'a', buyer: 3, at: now - HOUR, amount: null },
    { shop: 'b', buyer: 3, at: now - HOUR, amount: 1 },
    { shop: 'old', buyer: 3, at: now - 61 * DAY, amount: 1 },
  );
  expect(rejected).toEqual([]);
});
afterAll(async () => {
  await gateway?.close();
  await running?.dispose();
});

const explainRisk = '/v1/explain?feature=risk&entity.shop=a&entity.buyer=2';

test('an on-demand feature is explained down to the raw events of its inputs', async () => {
  const { status, body } = await get(`${explainRisk}&request.amount=4&request.night=null`);
  const explanation = body as unknown as OnDemandExplanation;
  expect(status).toBe(200);
  expect(explanation).toMatchObject({
    feature: 'risk',
    entity: { shop: 'a', buyer: 2 },
    request: { amount: 4, night: null },
    value: 0.5,
    status: 'present',
    type: 'double?',
    version: 1,
    expression:
      'when(coalesce(night, false), ratio * 2, bought < 2 and mean > 1, ratio, otherwise 0)',
    recomputed: 0.5,
    matches: true,
  });
  const short = ({ parameter, from, name, type, value }: ExplainedInput) =>
    `${parameter} ${from} ${name} ${type} ${JSON.stringify(value)}`;
  expect(explanation.inputs.map(short)).toEqual([
    'ratio on-demand ratio double? 0.5',
    'bought feature habits:bought long 1',
    'mean feature turnover:mean_7d double? 8',
    'night request night boolean? null',
  ]);
  const [nested, bought, mean] = explanation.inputs.map((input) => input.explanation);
  expect(nested).toMatchObject({ expression: 'amount / mean', value: 0.5, matches: true });
  const inner = (nested as OnDemandExplanation).inputs[0]?.explanation as ViewExplanation;
  expect(inner).toMatchObject({
    view: 'turnover',
    entity: { shop: 'a' },
    value: 8,
    window: '7d',
    hop: '1h',
    type: 'double?',
  });
  expect(inner.events.map((e) => [e.position, e.counted, e.why])).toEqual([
    ['raw.sales@0:1', true, null],
    ['raw.sales@0:0', true, null],
    ['raw.sales@0:3', false, "the view's filter leaves it out"],
  ]);
  expect(inner.tiles).toHaveLength(2);
  expect(inner.updates).toHaveLength(2);
  expect(bought).toMatchObject({ entity: { buyer: 2 }, eventsTotal: 1, window: null, hop: null });
  // Explained above, as an input of `ratio`.
  expect(mean).toBeNull();
  for (const part of [nested, inner, bought])
    expect([part?.at, part?.known]).toEqual([explanation.at, explanation.known]);
});

test('an explanation says what a read says, for every entity, request and time', async () => {
  const entities = ['a', 'b', 'old', 'nobody'].flatMap((s) =>
    [1, 3, 9].map((b) => ({ shop: s, buyer: b })),
  );
  const requests: readonly Row[] = [
    { amount: 4, night: true },
    { amount: 0, night: false },
  ];
  const moments = [
    {},
    { at: now - 25 * DAY },
    { at: now - HOUR, known: now },
    { at: now + 3 * DAY, known: now + 1 },
  ];
  for (const time of moments)
    for (const given of requests)
      for (const one of entities) {
        const read = await running.platform.serving.read({
          service: 'model',
          entities: [one],
          request: [given],
          ...time,
        });
        const told = await running.platform.serving.explain({
          feature: 'risk',
          entity: one,
          request: given,
          at: read.at,
          ...('known' in time ? { known: time.known } : {}),
        });
        const of = (name: string): Value => read.values[0]?.[read.features.indexOf(name)] as Value;
        const what = JSON.stringify({ time, given, one });
        expect([told.value, told.recomputed, told.matches], what).toEqual([
          of('risk'),
          of('risk'),
          true,
        ]);
        const inputs = Object.fromEntries(
          (told as OnDemandExplanation).inputs.map(({ parameter, value }) => [parameter, value]),
        );
        expect(inputs, what).toEqual({
          ratio: of('ratio'),
          bought: of('bought'),
          mean: of('mean_7d'),
          night: given.night,
        });
      }
});

/** Every `?` of a type, against what reads answer. */
test('types say what can be null: in the catalog, in `show`, in explanations', async () => {
  const types = async (path: string): Promise<Record<string, string>> =>
    Object.fromEntries(
      ((await get(path)).body.features as { name: string; type: string }[]).map((f) => [
        f.name,
        f.type,
      ]),
    );
  const all = await types('/v1/registry/feature-service/model');
  expect(all).toEqual({
    sales_30d: 'long?',
    mean_7d: 'double?',
    large: 'long?',
    bought: 'long',
    last_amount: 'double?',
    ratio: 'double?',
    risk: 'double?',
    certain: 'long',
  });
  expect(await types('/v1/registry/feature-view/turnover')).toEqual({
    sales_30d: 'long?',
    mean_7d: 'double?',
    large: 'long?',
  });
  expect(await types('/v1/registry/on-demand-feature/certain')).toEqual({ certain: 'long' });
  const read: ReadResult = await running.platform.serving.read({
    service: 'model',
    entities: ['a', 'b', 'old', 'nobody'].map((s) => ({ shop: s, buyer: 9 })),
    request: [{ amount: 0, night: null }],
  });
  expect(read.status.map((row) => row[0])).toEqual(['present', 'present', 'expired', 'not-found']);
  expect(read.values.map((row) => row[0])).toEqual([3, 1, null, 0]);
  read.features.forEach((feature, f) => {
    if (read.values.some((row) => row[f] === null)) expect(all[feature], feature).toMatch(/\?$/);
  });
  expect((await millrace('show', 'turnover')).out).toMatch(/sales_30d +long\? +30d +1d/);
});

test('show, plan and explain name the hop with the window, and print expressions', async () => {
  const shown = await millrace('show', 'turnover');
  expect(shown.out).toContain('where: amount > 0');
  expect(shown.out).toContain('sales_30d: count(*) over 30d in hops of 1d (covers 30 to 31 days)');
  expect(shown.out).toContain('mean_7d: avg(amount) over 7d in hops of 1h (covers 7d to 7d 1h)');
  expect(shown.out).toContain('large: count(*) over all time where amount >= 10');
  const onDemand = await millrace('show', 'ratio');
  expect(onDemand.out).toContain('value: amount / mean (double)');
  expect(onDemand.out).toContain('inputs: mean = turnover.mean_7d, amount = request amount');
  const { body } = await get('/v1/registry/feature-view/turnover');
  expect((body.features as readonly object[])[0]).toMatchObject({
    name: 'sales_30d',
    window: '30d',
    hop: '1d',
    computes: 'count(*) over 30d in hops of 1d',
  });
  const why = await millrace('explain', 'turnover.sales_30d', '--entity', 'shop=a');
  expect(why.out).toContain('count(*) over 30d in hops of 1d (covers 30 to 31 days)');
  expect(why.out).toContain('of the events of sales where amount > 0');
  const from = new Date(Math.floor((Date.now() - 30 * DAY) / DAY) * DAY).toISOString();
  expect(why.out).toContain(`events from ${from} to `);
});

test('plan says what a new definition computes, and what a changed feature computed before', async () => {
  const file = join(running.directory, 'definitions.json');
  const changed = {
    ...turnover.features,
    mean_7d: avg(col('amount'), { window: '28d', hop: '7d' }),
  };
  const renamed = { ...turnover, name: 'turnover_2' };
  const other = { ...ratio, value: { op: 'lit', value: 1 } };
  writeFileSync(file, JSON.stringify([{ ...turnover, features: changed }, renamed, other]));
  const { out, err } = await millrace('plan', file);
  expect(err).toBe('');
  expect(out).toContain(
    'features.mean_7d: avg(amount) over 7d in hops of 1h (covers 7d to 7d 1h) → avg(amount) over 28d in hops of 7d (covers 28 to 35 days)',
  );
  expect(out).toContain(
    'feature-view turnover_2: create\n    where: amount > 0\n    sales_30d: count(*) over 30d in hops of 1d (covers 30 to 31 days)',
  );
  expect(out).toContain('value: amount / mean → 1');
});

test('the command line explains an on-demand feature with its inputs', async () => {
  const args = ['explain', 'risk', '--entity', 'shop=a', 'buyer=1', '--request', 'amount=4'];
  const { status, out, err } = await millrace(...args, 'night=true');
  expect([status, err]).toEqual([0, '']);
  expect(out).toContain('risk of shop=a buyer=1 is 1 (present)');
  expect(out).toMatch(/ratio +0\.5 +double\? +ratio\n/);
  expect(out).toMatch(/night +true +boolean\? +request night\n/);
  expect(out).toContain('Input ratio\n  ratio of shop=a buyer=1 is 0.5 (present)');
  expect(out).toContain('    turnover.mean_7d of shop=a is 8 (present)');
  expect(out).toContain('raw.sales@0:0');
  expect(out.match(/✓ recomputed/g)).toHaveLength(4);
  const json = JSON.parse((await millrace(...args, 'night=true', '--json')).out);
  expect(json).toMatchObject({ feature: 'risk', value: 1, matches: true });
});

test.each([
  [explainRisk, 400, 'MR_REQUEST_INVALID', /request input "amount"/],
  [`${explainRisk}&request.amuont=1`, 400, 'MR_REQUEST_INVALID', /did you mean "amount"\?/],
  [
    `${explainRisk}&request.amount=x`,
    400,
    'MR_REQUEST_INVALID',
    /"amount".*must be double: write a number/,
  ],
  [`${explainRisk}&entity.shp=a`, 400, 'MR_ENTITY_INVALID', /did you mean "shop"\?/],
  ['/v1/explain?feature=ration&entity.shop=a', 404, 'MR_NOT_FOUND', /ratio/],
  ['/v1/explain?feature=certain&entity.buyer=1&shop=a', 400, 'MR_PARAMETER_INVALID', /shop/],
  [
    '/v1/explain?view=turnover&feature=large&entity.shop=a&request.amount=1',
    400,
    'MR_REQUEST_INVALID',
    /has no request input "amount"/,
  ],
  ['/v1/explain?view=turnover&feature=larg&entity.shop=a', 404, 'MR_NOT_FOUND', /large/],
])('%s is refused', async (path, status, code, message) => {
  expect(await get(path)).toEqual({
    status,
    body: expect.objectContaining({ code, message: expect.stringMatching(message) }),
  });
});

test('the command line says what to explain instead', async () => {
  const view = await millrace('explain', 'turnover', '--entity', 'shop=a');
  expect([view.status, view.err]).toEqual([
    2,
    expect.stringContaining('explain turnover.FEATURE; its features are sales_30d, mean_7d, large'),
  ]);
  const wrong = await millrace('explain', 'rsik', '--entity', 'shop=a');
  expect([wrong.status, wrong.err]).toEqual([1, expect.stringContaining('did you mean "risk"?')]);
  expect((await millrace('explain', 'turnover.large')).status).toBe(2);
});

test('a feature that many inputs share is explained once, however deep they are', async () => {
  const depth = 40;
  const chain: Definition[] = [];
  for (let i = 0; i < depth; i++)
    chain.push(
      onDemandFeature({
        name: `level_${i}`,
        type: 'double',
        inputs: i === 0 ? { a: ratio, b: ratio } : { a: at(chain, i - 1), b: at(chain, i - 1) },
        value: ({ a, b }) => a.plus(b).dividedBy(2),
      }),
    );
  await apply(...chain);
  const told = await running.platform.serving.explain({
    feature: `level_${depth - 1}`,
    entity: { shop: 'a' },
    request: { amount: 4 },
  });
  expect([told.value, told.matches]).toEqual([0.5, true]);
  expect(JSON.stringify(told).match(/"tiles"/g)).toHaveLength(1);
});

const at = (list: readonly Definition[], i: number) =>
  list[i] as Definition & { readonly kind: 'on-demand-feature' };

test('a past read of a version without the feature is null, and so is its explanation', async () => {
  const known = (await running.platform.serving.read({ service: 'model', entities: [] })).known;
  const revised = { ...habits, features: { ...habits.features, total: count({ window: '1d' }) } };
  const total = onDemandFeature({
    name: 'total_or_zero',
    type: 'long',
    inputs: { total: { from: 'feature', view: 'habits', feature: 'total' } },
    value: ({ total: t }) => t.coalesce(0),
  });
  await apply(revised);
  const { id } = await running.platform.replays.start({ view: 'habits' }, caller);
  await replayFilled(running.platform, id);
  await running.platform.replays.change(id, 'promote', {}, caller);
  await apply(total);
  const told = (await running.platform.serving.explain({
    feature: 'total_or_zero',
    entity: { buyer: 1 },
    known,
  })) as OnDemandExplanation;
  expect([told.value, told.recomputed, told.matches]).toEqual([0, 0, true]);
  expect(told.inputs[0]).toMatchObject({ value: null, explanation: null });
  await expect(
    running.platform.serving.explain({
      view: 'habits',
      feature: 'total',
      entity: { buyer: 1 },
      known,
    }),
  ).rejects.toMatchObject({ code: 'MR_NOT_FOUND', message: /name a later known/ });
});

test('floats and times are the same in a read and in its explanation', async () => {
  const meter = entity({ name: 'meter', keys: { since: 'timestamp' } });
  const readings = source({
    name: 'readings',
    fields: { since: 'timestamp', at: 'timestamp', level: 'float', levels: 'array<float>' },
    eventTime: 'at',
  });
  const levels = featureView({
    name: 'levels',
    entity: meter,
    source: readings,
    features: { newest: last(col('level')), list: last(col('levels')), mean: avg(col('level')) },
  });
  const more = onDemandFeature({
    name: 'level_more',
    type: 'double',
    inputs: {
      newest: levels.feature('newest'),
      by: request('by', 'float'),
      until: request('until', 'timestamp'),
    },
    value: ({ newest, by, until }) =>
      newest.times(by).plus(until.gt(lit(0).cast('timestamp')).cast('int')),
  });
  await apply(meter, readings, levels, more);
  const since = '2020-01-31T12:00:00Z';
  await running.platform.publishing.publish(
    { source: 'readings', events: [{ since, at: now, level: 1.111, levels: [0.1, 2] }] },
    caller,
  );
  const given = { by: 1.7, until: '2026-01-31T12:00:00Z' };
  const { values } = await running.platform.serving.read({
    features: ['level_more', 'levels:newest', 'levels:list', 'levels:mean'],
    entities: [{ since }],
    request: [given],
  });
  const told = (await running.platform.serving.explain({
    feature: 'level_more',
    entity: { since },
    request: given,
  })) as OnDemandExplanation;
  expect([told.value, told.recomputed, told.matches]).toEqual([values[0]?.[0], told.value, true]);
  expect(told.value).not.toBe(1.111 * 1.7 + 1);
  expect(told.inputs.map(({ value }) => value)).toEqual([
    1.111,
    1.7,
    Date.parse('2026-01-31T12:00:00Z'),
  ]);
  for (const [i, feature] of ['newest', 'list', 'mean'].entries()) {
    const one = (await running.platform.serving.explain({
      view: 'levels',
      feature,
      entity: { since },
    })) as ViewExplanation;
    expect([one.value, one.matches], feature).toEqual([values[0]?.[i + 1], true]);
    expect(one.recomputed).toEqual(one.value);
    expect(one.entity).toEqual({ since: Date.parse(since) });
    expect(one.events[0]?.row).toMatchObject({ level: 1.111, levels: [0.1, 2] });
    expect(one.updates).toHaveLength(1);
  }
});
