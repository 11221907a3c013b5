/** What an import accepts, from the command line to the audit log. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { count, entity, featureView, source } from 'millrace';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { plainRowOf, structOf } from '#gateways/grpc/struct.ts';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { runInProcess } from '#tests/support/cli.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';
import { call } from '#tests/support/server.ts';

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const fields = { shop: 'string', at: 'timestamp' } as const;
const before = source({ name: 'sales', fields, eventTime: 'at' });
// #region source
const sales = source({
  name: 'sales',
  fields: { shop: 'string', at: 'timestamp', known_at: 'timestamp?' },
  eventTime: 'at',
  knownTime: 'known_at',
});
// #endregion
const views = ['1h', undefined].map((lateness) =>
  featureView({
    name: lateness === undefined ? 'ever' : 'recent',
    entity: shop,
    source: 'sales',
    ...(lateness === undefined ? {} : { lateness: '1h' }),
    features: { n: lateness === undefined ? count() : count({ window: '2d', hop: '1h' }) },
  }),
);

let running: TestPlatform;
let gateway: HttpGateway;
const serve = async (): Promise<void> => {
  gateway = await createHttpGateway({
    modules: httpModules(),
    platform: running.platform,
    port: 0,
  });
};
beforeEach(async () => {
  running = await testPlatform();
  await serve();
});
afterEach(async () => {
  await gateway.close();
  await running.dispose();
});

const millrace = async (...args: readonly string[]) => {
  const { status, out, err } = await runInProcess(args, {
    MILLRACE_URL: gateway.url,
    MILLRACE_ACTOR: 'ann',
  });
  return { status, out, err };
};
const post = async (path: string, events: readonly unknown[]) => {
  const { body } = await call(gateway.url, `/v1/sources/sales/${path}`, { body: { events } });
  return body as {
    readonly code?: string;
    readonly accepted: number;
    readonly duplicates: number;
    readonly rejected: readonly { readonly code: string; readonly message: string }[];
  };
};
const day = (n: number): string => `2019-03-0${n}T00:00:00Z`;
const old = (at: number, known: number | string | null) => ({
  shop: 'a',
  at: day(at),
  known_at: typeof known === 'number' ? day(known) : known,
});
const n = async (view: string, at: string, known: string) => {
  const { values } = await running.platform.serving.read({
    features: [`${view}:n`],
    entities: [{ shop: 'a' }],
    at: Date.parse(at),
    known: Date.parse(known),
  });
  return values[0]?.[0];
};

test('a file of old events is imported, found in the past, and named by explain and the audit', async () => {
  await running.platform.registry.apply(plain(shop, sales, ...views), {}, caller);
  const file = join(running.directory, 'old.csv');
  writeFileSync(
    file,
    `shop,at,loaded_at\n${[2, 3, 4].map((at) => `a,${day(at)},${day(at + 2)}`).join('\n')}\n`,
  );
  const command = ['import', 'history', 'sales', file, '--map', 'known_at=loaded_at'];
  const first = await millrace(...command, '--reason', 'years before');
  expect(first).toMatchObject({ status: 0, out: expect.stringContaining('3 accepted') });
  expect((await millrace(...command)).err).toContain('continuing after 3 events');

  for (const view of ['recent', 'ever']) {
    expect(await n(view, day(4), day(4))).toBe(1);
    expect(await n(view, day(4), day(5))).toBe(2);
    expect(await n(view, day(4), day(9))).toBe(3);
  }
  const { out } = await millrace(
    ...['explain', 'ever.n', '--entity', 'shop=a', '--at', day(4), '--known', day(5)],
  );
  expect(out).toContain(`imported, known since ${day(4).replace('Z', '.000Z')}`);
  expect(out).not.toContain(`known since ${day(6).replace('Z', '.000Z')}`);
  expect(out).toContain('✓ recomputed');

  const { records } = await running.platform.audit.log({ kind: 'ImportHistory' });
  expect(records).toMatchObject([
    {
      actor: 'ann',
      subject: 'source/sales',
      reason: 'years before',
      outcome: 'accepted',
      events: [
        {
          type: 'HistoryImported',
          data: {
            source: 'sales',
            events: 3,
            knownFrom: Date.parse(day(4)),
            knownTo: Date.parse(day(6)),
            producer: { id: expect.stringMatching(/^file-/), sequence: 0 },
          },
        },
      ],
    },
  ]);
  expect(await running.platform.audit.verify()).toMatchObject({ ok: true });
});

test('a known time is refused by every way of publishing live events', async () => {
  await running.platform.registry.apply(plain(shop, sales, ...views), {}, caller);
  const event = old(1, 2);
  const why = /only an import sets it/;
  const refused = { accepted: 0, rejected: [{ code: 'MR_KNOWN_TIME_INVALID', field: 'known_at' }] };
  const send = async (path: string, type: string, body: string) => {
    const answer = await fetch(`${gateway.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    });
    return { status: answer.status, text: await answer.text() };
  };
  const events = '/v1/sources/sales/events';
  const json = await send(events, 'application/json', JSON.stringify({ events: [event] }));
  const lines = await send(events, 'application/x-ndjson', JSON.stringify(event));
  for (const { text } of [json, lines]) {
    expect(JSON.parse(text)).toMatchObject(refused);
    expect(text).toMatch(why);
  }
  const overGrpc = await running.platform.publishing.publish(
    { source: 'sales', events: [plainRowOf(structOf(event))] },
    caller,
  );
  expect(overGrpc).toMatchObject(refused);
  const df = { shop: ['a'], event_timestamp: [day(1)], known_at: [day(2)] };
  const push = (frame: object) =>
    send('/push', 'application/json', JSON.stringify({ push_source_name: 'sales', df: frame }));
  const { status, text } = await push(df);
  expect(status).toBe(422);
  expect(text).toMatch(why);
  // Without a known time, the same row is a live event.
  expect(await push({ ...df, known_at: [null] })).toMatchObject({ status: 200 });
});

test('only an import sets the known time, and only to a time before the first live event', async () => {
  const { platform } = running;
  await platform.registry.apply(plain(shop, before, ...views), {}, caller);
  expect(await post('history', [old(1, 2)])).toMatchObject({ code: 'MR_KNOWN_TIME_INVALID' });
  const live = Date.now();
  expect(await post('events', [{ shop: 'a', at: new Date().toISOString() }])).toMatchObject({
    accepted: 1,
  });
  // Events of before the field are live events, and views that run already learn of it.
  await platform.registry.apply(plain(sales), {}, caller);

  const refused = async (path: string, event: unknown, why: RegExp): Promise<void> => {
    const { accepted, rejected } = await post(path, [event]);
    expect([accepted, rejected[0]?.code]).toEqual([0, 'MR_KNOWN_TIME_INVALID']);
    expect(rejected[0]?.message).toMatch(why);
  };
  await refused('events', old(1, 2), /only an import sets it/);
  await refused('history', old(1, null), /is missing/);
  await refused('history', { shop: 'a', at: day(1) }, /is missing/);
  await refused('history', old(1, new Date(Date.now() + 60_000).toISOString()), /after now/);
  const soon = new Date().toISOString();
  await refused('history', old(1, soon), /not before the first live event/);
  const just = new Date(live - 1).toISOString();
  expect(await post('history', [old(1, just), old(2, 3)])).toMatchObject({
    accepted: 2,
    rejected: [],
  });
  expect(await post('events', [{ ...old(1, null), at: soon }])).toMatchObject({ accepted: 1 });

  const { records } = await platform.publishing.rejected('sales', {});
  const positions = records.map(({ position }) => position);
  expect(await platform.publishing.resendRejected('sales', { positions }, caller)).toMatchObject({
    accepted: 0,
  });
  const exported: unknown[] = [];
  for await (const rows of await platform.publishing.exportEvents('sales')) exported.push(...rows);
  expect(exported.map((row) => (row as { known_at: unknown }).known_at)).toEqual([
    null,
    live - 1,
    Date.parse(day(3)),
    null,
  ]);

  await gateway.close();
  await running.restart();
  await serve();
  expect(await n('recent', day(2), day(3)), 'not late, although the view ran before').toBe(1);
  expect(await n('ever', day(2), day(2))).toBe(0);
  await refused('history', old(1, soon), /not before the first live event/);
});
