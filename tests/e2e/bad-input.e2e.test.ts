/**
 * Each kind of bad input has its own error code, and a message with the field, the value and the
 * fix. Nothing is lost by it.
 */
import { avg, col, count, entity, featureService, featureView, source } from 'millrace';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Definition, OnDemandFeatureDefinition } from '#domain/definitions/model.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: {
    id: 'string',
    shop: 'string',
    at: 'timestamp',
    amount: 'double',
    pieces: 'int?',
    note: 'string?',
  },
  eventTime: 'at',
  eventId: 'id',
});
const turnover = featureView({
  name: 'turnover',
  entity: shop,
  source: sales,
  features: { sales_1d: count({ window: '1d' }), amount_avg: avg(col('amount')) },
});
const till = featureService({ name: 'till', features: [turnover.pick('sales_1d', 'amount_avg')] });

let running: TestPlatform;
beforeAll(async () => {
  running = await testPlatform();
  await running.platform.registry.apply(plain(shop, sales, turnover, till), {}, caller);
});
afterAll(() => running.dispose());

let ids = 0;
const good = (): Record<string, unknown> => ({
  id: `i${ids++}`,
  shop: 's1',
  at: new Date().toISOString(),
  amount: 5,
});

describe('rejected events', () => {
  const cases: readonly (readonly [
    what: string,
    event: () => unknown,
    code: string,
    field: string | null,
    says: RegExp,
  ])[] = [
    [
      'a wrong type',
      () => ({ ...good(), amount: '5' }),
      'MR_FIELD_TYPE',
      'amount',
      /amount.*number.*"5"/,
    ],
    ['a missing field', () => ({ ...good(), shop: undefined }), 'MR_FIELD_MISSING', 'shop', /shop/],
    [
      'an unknown field',
      () => ({ ...good(), colour: 'red' }),
      'MR_FIELD_UNKNOWN',
      'colour',
      /colour/,
    ],
    [
      'a number that is not finite',
      () => ({ ...good(), amount: 'NaN' }),
      'MR_FIELD_NOT_FINITE',
      'amount',
      /NaN/,
    ],
    [
      'a number out of range',
      () => ({ ...good(), pieces: 3_000_000_000 }),
      'MR_FIELD_RANGE',
      'pieces',
      /3000000000/,
    ],
    ['no event time', () => ({ ...good(), at: undefined }), 'MR_EVENT_TIME_MISSING', 'at', /at/],
    [
      'an event time of long ago',
      () => ({ ...good(), at: '1066-10-14T09:00:00Z' }),
      'MR_EVENT_TIME_ABSURD',
      'at',
      /1066/,
    ],
    [
      'an event time far ahead',
      () => ({ ...good(), at: '2999-01-01T00:00:00Z' }),
      'MR_EVENT_TIME_ABSURD',
      'at',
      /2999/,
    ],
    [
      'an event time without a zone',
      () => ({ ...good(), at: '2026-01-01T00:00:00' }),
      'MR_TIME_INVALID',
      'at',
      /zone/,
    ],
    [
      'an event that is too large',
      () => ({ ...good(), note: 'x'.repeat(2_000_000) }),
      'MR_EVENT_TOO_LARGE',
      null,
      /1048576/,
    ],
    ['no object', () => 7, 'MR_FIELD_TYPE', null, /7/],
  ];
  test.each(cases)('%s', async (_what, event, code, field, says) => {
    const before = await running.platform.publishing.rejected('sales', {});
    const result = await running.platform.publishing.publish(
      { source: 'sales', events: [good(), event(), good()] },
      caller,
    );
    expect(result).toMatchObject({ accepted: 2, duplicates: 0 });
    expect(result.rejected).toHaveLength(1);
    expect(result.rejected[0]).toMatchObject({ index: 1, code });
    expect(result.rejected[0]?.message).toMatch(says);
    if (field !== null) expect(result.rejected[0]?.field).toBe(field);
    const after = await running.platform.publishing.rejected(
      'sales',
      before.total === 0 ? {} : { after: `rejected.sales@0:${before.total - 1}` },
    );
    expect(after.records, 'the event is kept with the reason').toMatchObject([{ code }]);
  });

  test('a rejected event counts once it is corrected and sent again', async () => {
    const result = await running.platform.publishing.publish(
      { source: 'sales', events: [{ ...good(), shop: 'corrected', amount: 'five' }] },
      caller,
    );
    expect(result.accepted).toBe(0);
    const { total } = await running.platform.publishing.rejected('sales', {});
    const position = `rejected.sales@0:${total - 1}`;
    const corrected = { ...good(), shop: 'corrected', amount: 5 };
    expect(
      await running.platform.publishing.resendRejected(
        'sales',
        { positions: [position], events: [corrected] },
        caller,
      ),
    ).toMatchObject({
      accepted: 1,
    });
    const read = await running.platform.serving.read({
      service: 'till',
      entities: [{ shop: 'corrected' }],
    });
    expect(read.values[0]).toEqual([1, 5]);
    await expect(
      running.platform.publishing.resendRejected(
        'sales',
        { positions: ['rejected.sales@0:999999'] },
        caller,
      ),
    ).rejects.toMatchObject({ code: 'MR_NOT_FOUND' });
  });

  test('a rejected event is resent at most once, and the list says when and by whom', async () => {
    const { platform } = running;
    const sent = await platform.publishing.publish(
      {
        source: 'sales',
        events: [
          { ...good(), amount: null },
          { ...good(), shop: null },
        ],
      },
      caller,
    );
    expect(sent.rejected.length).toBe(2);
    const { total } = await platform.publishing.rejected('sales', {}, caller);
    const positions = [total - 2, total - 1].map((offset) => `rejected.sales@0:${offset}`);
    const events = [1, 2].map(() => ({ ...good(), id: `resent${ids++}`, shop: 'resent' }));
    const resend = (chosen: readonly number[], on = platform) =>
      on.publishing.resendRejected(
        'sales',
        {
          positions: chosen.map((i) => positions[i] as string),
          events: chosen.map((i) => ({ ...events[i], id: `resent${ids++}` })),
        },
        { actor: 'ann' },
      );
    const started = Date.now();
    expect(await resend([0, 0])).toMatchObject({ accepted: 1, duplicates: 1 });
    const both = await Promise.all([resend([0, 1]), resend([1, 0])]);
    expect(both.map(({ accepted }) => accepted).sort()).toEqual([0, 1]);
    const again = await running.restart();
    expect(await resend([1, 0], again)).toMatchObject({ accepted: 0, duplicates: 2 });
    const read = await again.serving.read({ service: 'till', entities: [{ shop: 'resent' }] });
    expect(read.values[0]?.[0]).toBe(2);
    const after = `rejected.sales@0:${total - 3}`;
    const { records } = await again.publishing.rejected('sales', { after }, caller);
    expect(records.map(({ resent }) => resent?.by)).toEqual(['ann', 'ann']);
    for (const { resent } of records) expect(resent?.at).toBeGreaterThanOrEqual(started);
    // What is rejected again has a position of its own, and can be resent from there.
    const worse = await again.publishing.publish(
      { source: 'sales', events: [{ ...good(), amount: null }] },
      caller,
    );
    expect(worse.rejected.length).toBe(1);
    const position = `rejected.sales@0:${total}`;
    const request = { positions: [position] };
    expect(await again.publishing.resendRejected('sales', request, caller)).toMatchObject({
      accepted: 0,
      rejected: [{ index: 0, field: 'amount' }],
    });
    expect(await again.publishing.resendRejected('sales', request, caller)).toMatchObject({
      accepted: 0,
      duplicates: 1,
      rejected: [],
    });
  });

  test('the same event id a second time is not counted again', async () => {
    const event = good();
    expect(
      await running.platform.publishing.publish(
        { source: 'sales', events: [event, event] },
        caller,
      ),
    ).toMatchObject({
      accepted: 1,
      duplicates: 1,
    });
    expect(
      await running.platform.publishing.publish({ source: 'sales', events: [event] }, caller),
    ).toMatchObject({
      accepted: 0,
      duplicates: 1,
    });
    const again = await running.restart();
    expect(
      await again.publishing.publish({ source: 'sales', events: [event] }, caller),
    ).toMatchObject({
      accepted: 0,
      duplicates: 1,
    });
  });

  test('an unknown source is refused', async () => {
    await expect(
      running.platform.publishing.publish({ source: 'sails', events: [good()] }, caller),
    ).rejects.toMatchObject({
      code: 'MR_UNKNOWN_SOURCE',
      message: expect.stringContaining('sails'),
    });
  });
});

describe('refused reads', () => {
  const refused = async (
    request: Parameters<TestPlatform['platform']['serving']['read']>[0],
    code: string,
    says: RegExp,
  ): Promise<void> => {
    await expect(running.platform.serving.read(request)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(says),
    });
  };
  test('an entity without its key, or with a key of another type, is refused', async () => {
    await refused({ service: 'till', entities: [{ store: 's1' }] }, 'MR_ENTITY_INVALID', /shop/);
    await refused({ service: 'till', entities: [{ shop: 5 }] }, 'MR_ENTITY_INVALID', /5.*string/);
  });
  test('an unknown service, view or feature is refused', async () => {
    await refused({ service: 'tills', entities: [{ shop: 's' }] }, 'MR_NOT_FOUND', /tills/);
    await refused(
      { features: ['turnovers:sales_1d'], entities: [{ shop: 's' }] },
      'MR_NOT_FOUND',
      /turnovers/,
    );
    await refused(
      { features: ['turnover:sales'], entities: [{ shop: 's' }] },
      'MR_NOT_FOUND',
      /sales_1d, amount_avg/,
    );
  });
  test('a malformed position is refused, and one that is not reached times out', async () => {
    await refused(
      { service: 'till', entities: [{ shop: 's' }], after: 'yesterday' },
      'MR_BODY_INVALID',
      /raw\.flights@0:123/,
    );
  });
});

describe('refused definitions', () => {
  const refused = async (
    definitions: readonly Definition[],
    code: string,
    says: RegExp,
  ): Promise<void> => {
    await expect(
      running.platform.registry.apply(plain(...definitions), {}, caller),
    ).rejects.toMatchObject({
      code,
      message: expect.stringMatching(says),
    });
  };
  const view = (features: Parameters<typeof featureView>[0]['features']): Definition =>
    featureView({ name: 'other', entity: shop, source: sales, features });

  test('an unknown column is refused', () =>
    refused([view({ x: avg(col('price')) })], 'MR_UNKNOWN_COLUMN', /price/));
  test('an aggregation of the wrong type is refused', () =>
    refused([view({ x: avg(col('note')) })], 'MR_DEFINITION_INVALID', /avg.*string/));
  test('a hop that does not divide its window is refused', () =>
    refused([view({ x: count({ window: '1d', hop: '7h' }) })], 'MR_HOP_INVALID', /7h.*1d/));
  test('a hop that would need too many tiles is refused', () =>
    refused([view({ x: count({ window: '90d', hop: '1s' }) })], 'MR_HOP_INVALID', /10,?000/));
  test('a cycle of on-demand features is refused', () => {
    const feature = (name: string, other: string): OnDemandFeatureDefinition => ({
      kind: 'on-demand-feature',
      name,
      type: 'double',
      inputs: { x: { from: 'on-demand', name: other } },
      value: { op: 'input', name: 'x' },
    });
    return refused(
      [feature('a', 'b'), feature('b', 'a')],
      'MR_DEFINITION_CYCLE',
      /a.*b.*a|b.*a.*b/,
    );
  });
  test('an unknown source or entity is refused', async () => {
    await refused(
      [{ ...plain(turnover)[0], name: 'other', source: 'sails' } as Definition],
      'MR_UNKNOWN_REFERENCE',
      /sails/,
    );
    await refused(
      [{ ...plain(turnover)[0], name: 'other', entity: 'store' } as Definition],
      'MR_UNKNOWN_REFERENCE',
      /store/,
    );
  });
  test('a value that is no definition is refused', async () => {
    await expect(
      running.platform.registry.apply(
        [{ kind: 'view', name: 'x' } as unknown as Definition],
        {},
        caller,
      ),
    ).rejects.toMatchObject({ code: 'MR_DEFINITION_INVALID' });
  });

  test('an incompatible revision names the dependents that would break, and needs force and a reason', async () => {
    const without = featureView({
      name: 'turnover',
      entity: shop,
      source: sales,
      features: { sales_1d: count({ window: '1d' }) },
    });
    await refused([without], 'MR_INCOMPATIBLE_REVISION', /amount_avg.*feature-service\/till/);
    await expect(
      running.platform.registry.apply(plain(without), { force: true }, caller),
    ).rejects.toMatchObject({
      code: 'MR_REASON_REQUIRED',
    });
    const narrower = source({
      name: 'sales',
      fields: { id: 'string', shop: 'string', at: 'timestamp' },
      eventTime: 'at',
      eventId: 'id',
    });
    await refused([narrower], 'MR_INCOMPATIBLE_REVISION', /amount.*feature-view\/turnover/);
    const read = await running.platform.serving.read({
      service: 'till',
      entities: [{ shop: 's1' }],
    });
    expect(read.views[0]).toMatchObject({ version: 1, generation: 1 });
  });

  test('two applies at the same time converge', async () => {
    const mine = featureView({
      name: 'raced',
      entity: shop,
      source: sales,
      features: { n: count({ window: '1d' }) },
    });
    const theirs = featureView({
      name: 'raced',
      entity: shop,
      source: sales,
      features: { n: count({ window: '2d' }) },
    });
    const outcomes = await Promise.allSettled([
      running.platform.registry.apply(plain(mine), {}, caller),
      running.platform.registry.apply(plain(theirs), {}, { actor: 'other' }),
      running.platform.registry.apply(plain(mine), {}, caller),
    ]);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected')
        expect(outcome.reason).toMatchObject({ code: 'MR_VERSION_CONFLICT' });
    }
    expect(outcomes.some((outcome) => outcome.status === 'fulfilled')).toBe(true);
    const { versions } = await running.platform.registry.show('feature-view', 'raced');
    expect(versions.map((v) => v.version)).toEqual(versions.map((_, i) => i + 1));
  });

  test('a command on a replaced version conflicts, and names the current version', async () => {
    const data = plain({ ...shop, owner: 'x' })[0];
    await expect(
      running.platform.registry.command(
        { type: 'RegisterEntity', data, expectedVersion: 7 },
        caller,
      ),
    ).rejects.toMatchObject({
      code: 'MR_VERSION_CONFLICT',
      details: { currentVersion: 1 },
    });
    await expect(
      running.platform.registry.command({ type: 'Explode', data: {} }, caller),
    ).rejects.toMatchObject({
      code: 'MR_COMMAND_UNKNOWN',
      message: expect.stringContaining('RegisterEntity'),
    });
    const { records } = await running.platform.audit.log({ limit: 1000 });
    expect(records.filter((r) => r.outcome === 'refused').map((r) => r.refusal?.code)).toEqual(
      expect.arrayContaining(['MR_VERSION_CONFLICT', 'MR_COMMAND_UNKNOWN']),
    );
    expect(await running.platform.audit.verify()).toMatchObject({ ok: true });
  });
});
