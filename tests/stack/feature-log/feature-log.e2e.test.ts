/**
 * Answers on the stack are logged to Kafka and appended to Iceberg in the embedded profile's
 * layout, each answer once, also across a revision of the service. The skew report explains every
 * difference, including the lag between Kafka and the stores.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ReadResult } from '#domain/api/serving.ts';
import {
  avg,
  col,
  count,
  entity,
  featureService,
  featureView,
  last,
  lastK,
  onDemandFeature,
  request,
  source,
  topK,
} from '#domain/definitions/index.ts';
import { type FeatureLogRow, featureLogRowOf } from '#domain/feature-log/feature-log-record.ts';
import { featureLogTopic } from '#domain/ports/topics.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { historyReader } from '#infra/shared/iceberg/reader.ts';
import { addresses } from '#tests/stack/support/addresses.ts';
import {
  caller,
  computed,
  type StackPlatform,
  stackAddressesOfTest,
  stackPlatform,
  uniqueName,
  until,
} from '#tests/stack/support/platform.ts';
import { icebergTables, spillDirectory } from '#tests/stack/support/warehouse.ts';
import { plain } from '#tests/support/platform.ts';
import { call, startServer } from '#tests/support/server.ts';
import { pythonWithPyiceberg } from '#tests/support/venv.ts';

const MINUTE = 60_000;
const user = entity({ name: uniqueName('user'), keys: { user: 'string', since: 'timestamp' } });
const clicks = source({
  name: uniqueName('clicks'),
  fields: {
    user: 'string',
    since: 'timestamp',
    at: 'timestamp',
    day: 'date?',
    amount: 'double?',
    page: 'string',
    blob: 'bytes?',
  },
  eventTime: 'at',
});
const activity = featureView({
  name: uniqueName('activity'),
  entity: user,
  source: clicks,
  features: {
    clicks_1h: count({ window: '1h', hop: '1m' }),
    amount_avg: avg(col('amount')),
    last_at: last(col('at')),
    last_day: last(col('day')),
    last_blob: last(col('blob')),
    times: lastK(col('at'), 3),
    pages: topK(col('page'), 2),
  },
});
const scaled = onDemandFeature({
  name: uniqueName('scaled'),
  type: 'double',
  inputs: { amount: activity.feature('amount_avg'), by: request('by', 'double') },
  value: ({ amount, by }) => amount.times(by),
});
const twice = onDemandFeature({
  name: uniqueName('twice'),
  type: 'long',
  inputs: { n: activity.feature('clicks_1h') },
  value: ({ n }) => n.times(2),
});
const name = uniqueName('model');
const model = featureService({ name, features: [activity, scaled], logging: { sample: 1 } });
const more = featureService({ name, features: [activity, scaled, twice], logging: { sample: 1 } });

const SINCE = Date.UTC(2020, 0, 1);
const WHO = ['ann', 'bob', 'absent'];
let one: StackPlatform;
let clicked = 0;
const answers = new Map<string, ReadResult>();

const click = (who: string, at: number) =>
  one.platform.publishing.publish(
    {
      source: clicks.name,
      events: [
        {
          user: who,
          since: SINCE,
          at,
          day: 20_000 + clicked,
          amount: clicked,
          page: `p${clicked % 3}`,
          blob: 'AAEC',
          ...(clicked++ % 5 === 4 ? { amount: null } : {}),
        },
      ],
    },
    caller,
  );
const ask = async (requestId: string): Promise<void> => {
  const entities = WHO.map((who) => ({ user: who, since: SINCE }));
  answers.set(
    requestId,
    await one.platform.serving.read(
      { service: name, entities, request: [{ by: 2 }] },
      { ...caller, requestId },
    ),
  );
};

beforeAll(async () => {
  one = await stackPlatform();
  await one.platform.registry.apply(plain(user, clicks, activity, scaled, model), {}, caller);
  await until('the view is readable', () =>
    ask('first').then(
      () => true,
      () => false,
    ),
  );
});
afterAll(() => one?.dispose());

const table = async (): Promise<readonly FeatureLogRow[]> => {
  const reader = historyReader(
    icebergTables(),
    await openDuckDb({ spillDirectory: spillDirectory() }),
  );
  try {
    const rows: FeatureLogRow[] = [];
    for await (const batch of reader.rows(featureLogTopic(name), {}))
      for (const row of batch)
        rows.push(
          featureLogRowOf(row, { position: `${row._offset}`, logTime: row._log_time as number }),
        );
    return rows;
  } finally {
    reader.close();
  }
};

const expectTable = (rows: readonly FeatureLogRow[]): void => {
  const byRequest = Map.groupBy(rows, ({ requestId }) => requestId);
  expect([...byRequest.keys()].toSorted()).toEqual([...answers.keys()].toSorted());
  for (const [id, answer] of answers) {
    const mine = (byRequest.get(id) ?? []).toSorted((a, b) => a.row - b.row);
    expect(
      mine.map(({ entity: { user: who } }) => who),
      id,
    ).toEqual(WHO);
    mine.forEach((row, i) => {
      expect(row).toMatchObject({
        at: answer.at,
        known: answer.known,
        request: { by: 2 },
        entity: { since: SINCE },
      });
      expect(row.values).toEqual(
        Object.fromEntries(answer.features.map((feature, f) => [feature, answer.values[i]?.[f]])),
      );
      expect(row.status).toEqual(
        Object.fromEntries(answer.features.map((feature, f) => [feature, answer.status[i]?.[f]])),
      );
      expect(row.views).toMatchObject(
        answer.views.map(({ view, version, generation, position }) => ({
          view,
          version,
          generation,
          position,
        })),
      );
    });
  }
};

test('the table has each answer once, as it was given; the report has a cause for every difference', {
  timeout: 240_000,
}, async () => {
  for (let i = 0; i < 12; i++) await click(WHO[i % 2] as string, Date.now() - i * MINUTE);
  await computed(activity.name, one.platform.operations.status);
  await ask('computed');
  for (let i = 0; i < 20; i++) {
    await click('ann', Date.now() - i * 1_000);
    await ask(`at-once-${i}`);
    await sleep(150);
  }
  await click('bob', Date.now() - MINUTE);
  await computed(activity.name, one.platform.operations.status);
  await ask('last');
  await one.platform.serving.featureLog(name, { requestId: 'last' });
  await until('the table has all', async () => (await table()).length >= answers.size * WHO.length);
  expectTable(await table());

  const report = await one.platform.serving.skew({ service: name });
  expect(
    report.unexplained,
    JSON.stringify(report.features.map(({ feature, examples }) => ({ feature, examples }))),
  ).toBe(0);
  expect(report.compared).toEqual({ requests: answers.size, rows: answers.size * WHO.length });
  const clicksSkew = report.features.find(({ feature }) => feature === 'clicks_1h');
  // Flink had not yet computed what was accepted just before a read. What came after the read could
  // not be in it.
  expect(clicksSkew?.causes.lag).toBeGreaterThan(0);
  expect(clicksSkew?.causes.late).toBeGreaterThan(0);
  expect(clicksSkew?.causes).toMatchObject({ 'left-out': 0, definition: 0 });
});

test('a service that gains a feature gains a column, and no answer is lost or repeated meanwhile', {
  timeout: 240_000,
}, async () => {
  for (let i = 0; i < 5; i++) await ask(`before-${i}`);
  await one.platform.registry.apply(plain(twice, more), {}, caller);
  let latest = '';
  await until('the new feature is served', async () => {
    latest = `after-${answers.size}`;
    await ask(latest);
    return answers.get(latest)?.features.includes(twice.name) === true;
  });
  const [first] = await one.platform.serving.featureLog(name, { requestId: latest });
  expect(first?.values[twice.name]).toBe(2 * (first?.values.clicks_1h as number));
  await until('the table has all', async () => (await table()).length >= answers.size * WHO.length);
  expectTable(await table());
});

test('a gateway is killed while it serves: requests that were on the log are in the table, once and whole', {
  timeout: 300_000,
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-served-'));
  writeFileSync(join(directory, 'stack.json'), JSON.stringify(await stackAddressesOfTest()));
  const options = [
    '--profile',
    'stack',
    '--addresses',
    join(directory, 'stack.json'),
    '--no-projections',
  ];
  const gateway = await startServer(join(directory, 'data'), {}, options);
  const found = new Set<string>();
  const asked = new Set<string>();
  const body = {
    service: name,
    entities: WHO.map((who) => ({ user: who, since: SINCE })),
    request: [{ by: 2 }],
  };
  const killed = new Promise<void>((done) =>
    setTimeout(() => void gateway.kill().then(done), 6_000),
  );
  try {
    for (let n = 0; ; n++) {
      const id = `killed-${n}`;
      asked.add(id);
      await call(gateway.url, '/v1/features', { body, headers: { 'x-request-id': id } });
      if (n % 20 !== 19) continue;
      const seen = await call(gateway.url, `/v1/services/${name}/served?request=${id}`);
      if (seen.status === 200) found.add(id);
    }
  } catch {
    // the gateway is gone
  } finally {
    await killed;
    rmSync(directory, { recursive: true, force: true });
  }
  expect(found.size).toBeGreaterThan(0);
  // One more answer, of another gateway: when the table has it, the table has everything before it
  // on the log.
  await ask('after-the-kill');
  await one.platform.serving.featureLog(name, { requestId: 'after-the-kill' });
  await until('the table has all', async () =>
    (await table()).some(({ requestId }) => requestId === 'after-the-kill'),
  );
  const byRequest = Map.groupBy(await table(), ({ requestId }) => requestId);
  expect([...found].filter((id) => !byRequest.has(id))).toEqual([]);
  for (const id of asked) {
    const rows = byRequest.get(id)?.map(({ row }) => row) ?? [];
    expect([[], [0, 1, 2]], id).toContainEqual(rows);
  }
});

test('pyiceberg reads the table from its path', { timeout: 120_000 }, async () => {
  const metadata = join(addresses().warehouse.iceberg, 'served', name, 'metadata');
  const newest = readdirSync(metadata)
    .flatMap((file) => /^v(\d+)\.metadata\.json$/.exec(file)?.[1] ?? [])
    .map(Number)
    .reduce((a, b) => Math.max(a, b), 0);
  const script = `
import json, sys
from pyiceberg.table import StaticTable
t = StaticTable.from_metadata(sys.argv[1])
rows = t.scan().to_arrow()
print(json.dumps({"rows": rows.num_rows, "types": {f.name: str(f.field_type) for f in t.schema().fields}, "spec": [[f.name, str(f.transform)] for f in t.spec().fields]}))`;
  const python = pythonWithPyiceberg();
  const read = JSON.parse(
    execFileSync(python, ['-c', script, join(metadata, `v${newest}.metadata.json`)], {
      encoding: 'utf8',
    }),
  );
  expect(read.rows).toBe((await table()).length);
  expect(read.types).toMatchObject({
    request_id: 'string',
    at: 'timestamptz',
    key_since: 'timestamptz',
    input_by: 'double',
    feature_clicks_1h: 'long',
    feature_last_at: 'timestamptz',
    feature_last_day: 'date',
    feature_last_blob: 'binary',
    feature_times: 'list<long>',
    feature_pages: 'list<string>',
    status_pages: 'string',
    [`feature_${twice.name}`]: 'long',
  });
  expect(read.spec).toEqual([[expect.stringMatching(/_log_time/), 'day']]);
});
