/**
 * The feature log is a table that survives kills: a request that was logged is there once and
 * whole, and any Iceberg reader can read it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  avg,
  col,
  count,
  entity,
  featureService,
  featureView,
  lastK,
  onDemandFeature,
  request,
  source,
  topK,
} from 'millrace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FeatureLogRow, featureLogRowOf } from '#domain/feature-log/feature-log-record.ts';
import { featureLogTopic } from '#domain/ports/topics.ts';
import type { Row } from '#domain/values/value.ts';
import { openIcebergHistory } from '#infra/iceberg/history.ts';
import { embeddedHistoryInput } from '#infra/profiles/embedded-history-input.ts';
import { historyIn } from '#tests/contracts/history.fixture.ts';
import { plain, testPlatform } from '#tests/support/platform.ts';
import { call, type Server, startServer } from '#tests/support/server.ts';

const KILLS = 4;
const user = entity({ name: 'user', keys: { user: 'string' } });
const clicks = source({
  name: 'clicks',
  fields: { user: 'string', at: 'timestamp', amount: 'double?', page: 'string' },
  eventTime: 'at',
});
const activity = featureView({
  name: 'activity',
  entity: user,
  source: clicks,
  features: {
    clicks_1d: count({ window: '1d', hop: '1h' }),
    amount_avg: avg(col('amount')),
    last_times: lastK(col('at'), 2),
    pages: topK(col('page'), 2),
  },
});
const scaled = onDemandFeature({
  name: 'scaled',
  type: 'double',
  inputs: { amount: activity.feature('amount_avg'), factor: request('id', 'double') },
  value: ({ amount, factor }) => amount.times(factor),
});
const model = featureService({
  name: 'model',
  features: [activity, scaled],
  logging: { sample: 1 },
});
const definitions = plain(user, clicks, activity, scaled, model);

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-served-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const rowsOf = async (data: string): Promise<readonly FeatureLogRow[]> => {
  const history = await openIcebergHistory({
    ...historyIn(data),
    input: embeddedHistoryInput(join(data, 'millrace.db')),
    commitAfterMs: 0,
  });
  await history.sync(featureLogTopic('model'));
  const rows: Row[] = [];
  for await (const batch of history.rows(featureLogTopic('model'), {})) rows.push(...batch);
  await history.close();
  return rows.map((row) =>
    featureLogRowOf(row, { position: String(row._offset), logTime: row._log_time as number }),
  );
};

test('killed while it serves, it keeps every logged request once and whole', {
  timeout: 120_000,
}, async () => {
  const data = join(directory, 'killed');
  let server: Server = await startServer(data);
  const found = new Set<string>();
  const answered = new Map<string, unknown>();
  let next = 0;
  try {
    expect((await call(server.url, '/v1/apply', { body: { definitions } })).status).toBe(200);
    const events = Array.from({ length: 20 }, (_, i) => ({
      user: `u${i % 3}`,
      at: Date.now() - 1000 * i,
      amount: i,
      page: `p${i % 2}`,
    }));
    await call(server.url, '/v1/sources/clicks/events', { body: { events } });
    for (let round = 0; round < KILLS; round++) {
      const { url } = server;
      const killed = new Promise<void>((done) =>
        setTimeout(() => void server.kill().then(done), 700 + 150 * round),
      );
      try {
        for (let n = 0; ; n++) {
          const id = `r-${next++}`;
          const read = await call(url, '/v1/features', {
            body: {
              service: 'model',
              entities: [{ user: 'u0' }, { user: 'u1' }, { user: 'absent' }],
              request: [{ id: 2 }],
            },
            headers: { 'x-request-id': id },
          });
          expect(read.status).toBe(200);
          answered.set(id, read.body);
          if (n % 10 !== 9) continue;
          const seen = await call(url, `/v1/services/model/served?request=${id}`);
          if (seen.status === 200) found.add(id);
        }
      } catch (error) {
        if (error instanceof Error && error.name === 'AssertionError') throw error;
      }
      await killed;
      server = await startServer(data);
    }
    expect(await server.stop()).toBe(0);
  } finally {
    await server.kill();
  }
  const rows = await rowsOf(data);
  const byRequest = Map.groupBy(rows, ({ requestId }) => requestId);
  expect(found.size).toBeGreaterThanOrEqual(KILLS);
  expect([...found].filter((id) => !byRequest.has(id))).toEqual([]);
  for (const [id, of] of byRequest) {
    expect(
      of.map(({ row, rows: all }) => [row, all]),
      id,
    ).toEqual([0, 1, 2].map((row) => [row, 3]));
    const answer = answered.get(id) as
      | { rows: Row[]; status: string[][]; features: string[]; at: number }
      | undefined;
    // The last answer of a round may be logged although the caller did not get it.
    if (answer === undefined) continue;
    of.forEach((row, i) => {
      expect(row).toMatchObject({
        at: answer.at,
        request: { id: 2 },
        serviceVersion: 1,
        entity: { user: answer.rows[i]?.user },
      });
      expect({ user: answer.rows[i]?.user, ...row.values }).toEqual(answer.rows[i]);
      expect(Object.values(row.status)).toEqual(answer.status[i]);
    });
  }
});

test('a service that gains a feature gains a column, which earlier rows do not have', async () => {
  const { platform, directory: data, dispose } = await testPlatform();
  try {
    await platform.registry.apply(definitions, {}, { actor: 'test' });
    const ask = (requestId: string) =>
      platform.serving.read(
        { service: 'model', entities: [{ user: 'u' }], request: [{ id: 1 }] },
        { actor: 'ann', requestId },
      );
    await ask('before');
    const slim = featureService({
      name: 'model',
      features: [activity.pick('clicks_1d')],
      logging: { sample: 1 },
    });
    await platform.registry.apply(plain(slim), { force: true, reason: 'test' }, { actor: 'test' });
    await platform.serving.read(
      { service: 'model', entities: [{ user: 'u' }] },
      { actor: 'ann', requestId: 'slim' },
    );
    const twice = onDemandFeature({
      name: 'twice',
      type: 'double',
      inputs: { n: activity.feature('clicks_1d') },
      value: ({ n }) => n.times(2),
    });
    const more = featureService({
      name: 'model',
      features: [activity, scaled, twice],
      logging: { sample: 1 },
    });
    await platform.registry.apply(plain(twice, more), {}, { actor: 'test' });
    await ask('after');
    expect(await platform.serving.featureLog('model', { requestId: 'slim' })).toMatchObject([
      { serviceVersion: 2, values: { clicks_1d: 0 } },
    ]);
    await platform.close();
    const rows = await rowsOf(data);
    const first = { clicks_1d: 0, amount_avg: null, last_times: null, pages: null, scaled: null };
    expect(
      rows.map(({ requestId, values, onDemand }) => ({ requestId, values, onDemand })),
    ).toEqual([
      { requestId: 'before', values: first, onDemand: [{ name: 'scaled', version: 1 }] },
      { requestId: 'slim', values: { clicks_1d: 0 }, onDemand: [] },
      {
        requestId: 'after',
        values: { ...first, twice: 0 },
        onDemand: [
          { name: 'scaled', version: 1 },
          { name: 'twice', version: 1 },
        ],
      },
    ]);
  } finally {
    await dispose();
  }
});
