/**
 * A running platform sends a receiver every kind of OpenLineage event over HTTP. Every event and
 * every facet is checked against the published schema.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  avg,
  col,
  count,
  entity,
  featureService,
  featureView,
  last,
  onDemandFeature,
  request,
  source,
  when,
} from 'millrace';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StoredEvent } from '#domain/ports/event-store.ts';
import { REGISTERED } from '#domain/registry/events.ts';
import { createHttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { type LineageSettings, lineageSettings } from '#infra/openlineage/settings.ts';
import type { LineageEvent, RunEvent } from '#projections/lineage/event.ts';
import { NOWHERE } from '#projections/lineage/names.ts';
import { registryLineage } from '#projections/lineage/registry-lineage.ts';
import {
  caller,
  finished,
  plain,
  replayFilled,
  type TestPlatform,
  testPlatform,
} from '#tests/support/platform.ts';
import { call } from '#tests/support/server.ts';
import { line, type Receiver, startReceiver } from './receiver.ts';
import { type Check, openLineageCheck } from './schemas.ts';

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: { shop: 'string', at: 'timestamp', amount: 'double', refund: 'boolean?' },
  eventTime: 'at',
  owner: 'till-team',
  description: 'What was sold',
  tags: ['money', 'pii'],
});
const turnover = featureView({
  name: 'turnover',
  namespace: 'payments',
  entity: shop,
  source: sales,
  where: col('amount').gt(0),
  features: {
    sales_1h: count({ window: '1h' }),
    amount_1d: avg(when(col('refund').eq(true), 0).otherwise(col('amount')), {
      window: '1d',
      where: col('amount').lt(1000),
    }),
    last_amount: last(col('amount')),
  },
  owner: 'ml',
});
const risk = onDemandFeature({
  name: 'risk',
  type: 'double',
  inputs: { average: turnover.feature('amount_1d'), basket: request('basket', 'double') },
  value: ({ average, basket }) => when(basket.gt(10), average.times(2)).otherwise(average),
});
const till = featureService({
  name: 'till',
  features: [turnover.pick('sales_1h', 'amount_1d'), risk],
});

const settings = (url: string, more: Partial<LineageSettings> = {}): LineageSettings => ({
  namespace: 'tests',
  target: { kind: 'http', url: `${url}/api/v1/lineage`, apiKey: 'secret', gzip: false },
  everyMs: 3_600_000,
  ...more,
});

let check: Check;
let receiver: Receiver;
let running: TestPlatform;
let seen = 0;
/** The events since the last call, as lines in their order, once they include `wanted`. */
const emitted = async (last: string, times = 1): Promise<readonly LineageEvent[]> => {
  const events = await receiver.until(
    (all) => all.slice(seen).filter((event) => line(event) === last).length >= times,
  );
  const fresh = events.slice(seen);
  seen = events.length;
  return fresh;
};
const run = (events: readonly LineageEvent[], wanted: string): RunEvent =>
  events.find((event) => line(event) === wanted) as RunEvent;
type AnyFacets = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
const facets = (event: { readonly facets?: unknown } | undefined): AnyFacets =>
  (event?.facets ?? {}) as AnyFacets;

beforeAll(async () => {
  check = openLineageCheck();
  receiver = await startReceiver();
  running = await testPlatform({ lineage: settings(receiver.url) });
});
afterAll(async () => {
  // A platform whose receiver is gone can be closed all the same.
  await receiver.close();
  await running.dispose();
});

describe('the check of events', () => {
  test('accepts valid events, and names what is wrong in an event, in a facet, in ours, or in its key', () => {
    const good = {
      eventTime: '2026-01-01T00:00:00.000Z',
      producer: 'urn:x',
      schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/DatasetEvent',
      dataset: {
        namespace: 'a',
        name: 'b',
        facets: {
          version: {
            _producer: 'urn:x',
            _schemaURL:
              'https://openlineage.io/spec/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet',
            datasetVersion: '1',
          },
        },
      },
    };
    const change = (edit: (event: typeof good) => void): readonly string[] => {
      const event = structuredClone(good);
      edit(event);
      return check(event as LineageEvent);
    };
    expect(change(() => {})).toEqual([]);
    expect(change((e) => Object.assign(e, { eventTime: 'yesterday' }))[0]).toMatch(/eventTime/);
    expect(change((e) => Object.assign(e.dataset, { name: 7 }))[0]).toMatch(/dataset\/name/);
    expect(
      change((e) => Object.assign(e.dataset.facets.version, { datasetVersion: 1 }))[0],
    ).toMatch(/datasetVersion/);
    expect(
      change((e) => Object.assign(e.dataset.facets.version, { dataset_version: '1' }))[0],
    ).toMatch(/dataset_version/);
    expect(
      change((e) =>
        Object.assign(e.dataset.facets.version, { _schemaURL: 'https://example.org/none.json' }),
      ).join(),
    ).toMatch(/no schema is published/);
    expect(
      change((e) => Object.assign(e.dataset, { facets: { vers: e.dataset.facets.version } }))[0],
    ).toMatch(/under "version"/);
    const facet = {
      _producer: 'urn:x',
      _schemaURL: 'urn:millrace:openlineage:1-0-0#/$defs/DefinitionDatasetFacet',
      kind: 'thing',
    };
    expect(
      change((e) => Object.assign(e.dataset.facets, { millrace_definition: facet })).join(),
    ).toMatch(/required property .name.*kind: must be equal/);
  });
});

describe('registry changes', () => {
  test('sources and views are reported as datasets and jobs, and a view that computes as a run', async () => {
    await running.platform.registry.apply(
      plain(shop, sales, turnover, risk, till),
      { reason: 'first' },
      caller,
    );
    // The generation has nothing to fill it. It goes live while the rest is applied, or a little
    // later.
    await receiver.until(
      (all) => all.filter((event) => line(event) === 'RUNNING compute.turnover').length === 2,
    );
    const events = await emitted('job serve.till');
    const filled = (text: string): boolean => text !== 'RUNNING compute.turnover';
    expect(events.map(line).filter(filled)).toEqual([
      'dataset entity.shop',
      'dataset raw.sales',
      'dataset features.turnover',
      'job compute.turnover',
      'START compute.turnover',
      'dataset on-demand.risk',
      'job on-demand.risk',
      'dataset service.till',
      'job serve.till',
    ]);
    expect(events.flatMap(check)).toEqual([]);
    const raw = events.find((event) => line(event) === 'dataset raw.sales') as Extract<
      LineageEvent,
      { dataset: unknown }
    >;
    expect(raw.dataset.namespace).toBe('tests');
    expect(facets(raw.dataset)).toMatchObject({
      schema: {
        fields: [
          { name: 'shop', type: 'string' },
          { name: 'at', type: 'timestamp' },
          { name: 'amount' },
          { name: 'refund' },
        ],
      },
      ownership: { owners: [{ name: 'till-team' }] },
      documentation: { description: 'What was sold' },
      tags: { tags: [{ key: 'money' }, { key: 'pii' }] },
      lifecycleStateChange: { lifecycleStateChange: 'CREATE' },
      symlinks: { identifiers: [{ namespace: 'file', type: 'table' }] },
      millrace_definition: {
        kind: 'source',
        version: 1,
        namespace: 'default',
        actor: 'test',
        reason: 'first',
        commit: 2,
      },
    });
  });

  test('column lineage names the fields behind a feature, and how each contributes', async () => {
    const { received } = receiver;
    const job = received
      .map(({ event }) => event)
      .find((event) => line(event) === 'job compute.turnover');
    const output = (job as RunEvent).outputs[0];
    expect(output?.name).toBe('features.turnover');
    const { fields, dataset } = facets(output)['columnLineage'] as {
      fields: Record<
        string,
        {
          inputFields: {
            field: string;
            name: string;
            transformations: { subtype: string; description?: string }[];
          }[];
        }
      >;
      dataset: { field: string; transformations: { subtype: string }[] }[];
    };
    const ways = (feature: string) =>
      fields[feature]?.inputFields.map(
        (f) => `${f.name}.${f.field} ${f.transformations.map((t) => t.subtype).join('+')}`,
      );
    expect(ways('shop')).toEqual(['raw.sales.shop IDENTITY']);
    expect(ways('sales_1h')).toEqual(['raw.sales.at WINDOW']);
    expect(ways('amount_1d')).toEqual([
      'raw.sales.amount AGGREGATION+FILTER',
      'raw.sales.refund CONDITIONAL',
      'raw.sales.at WINDOW',
    ]);
    expect(ways('last_amount')).toEqual(['raw.sales.amount AGGREGATION', 'raw.sales.at SORT']);
    expect(fields['amount_1d']?.inputFields[0]?.transformations[0]?.description).toBe(
      'avg(when(refund = true, 0, otherwise amount)) over 1d in hops of 1h where amount < 1000',
    );
    expect(
      dataset.map((f) => `${f.field} ${f.transformations.map((t) => t.subtype).join('+')}`),
    ).toEqual(['shop GROUP_BY', 'amount FILTER']);
    const service = received
      .map(({ event }) => event)
      .find((event) => line(event) === 'job serve.till') as RunEvent;
    expect(service.inputs.map(({ name }) => name)).toEqual(['features.turnover', 'on-demand.risk']);
    const risky = received
      .map(({ event }) => event)
      .find((event) => line(event) === 'job on-demand.risk') as RunEvent;
    expect(facets(risky.outputs[0])['columnLineage']).toMatchObject({
      fields: {
        risk: {
          inputFields: [
            {
              name: 'features.turnover',
              field: 'amount_1d',
              transformations: [{ subtype: 'TRANSFORMATION' }],
            },
          ],
        },
      },
    });
  });

  test('a revision that computes the same continues the same run; a refused command reports nothing', async () => {
    const described = { ...turnover, description: 'Turnover of a shop' };
    await running.platform.registry.apply(plain(described), {}, caller);
    const used = { type: 'Retire', data: { kind: 'feature-view', name: 'turnover' } };
    await expect(running.platform.registry.command(used, caller)).rejects.toThrow(/is used by/);
    await running.platform.registry.apply(
      plain({ ...sales, description: 'All that was sold' }),
      {},
      caller,
    );
    const events = await emitted('dataset raw.sales');
    const lines = events.map(line);
    expect(lines.slice(lines.indexOf('dataset features.turnover'))).toEqual([
      'dataset features.turnover',
      'job compute.turnover',
      'RUNNING compute.turnover',
      'dataset raw.sales',
    ]);
    expect(events.flatMap(check)).toEqual([]);
    const [started] = receiver.received
      .map(({ event }) => event)
      .filter((event) => line(event) === 'START compute.turnover') as RunEvent[];
    const adopted = events
      .filter((event) => line(event) === 'RUNNING compute.turnover')
      .at(-1) as RunEvent;
    expect(adopted.run.runId).toBe(started?.run.runId);
    expect(facets(adopted.run)['millrace_generation']).toMatchObject({
      version: 2,
      generation: 1,
      change: 'GenerationAdopted',
    });
  });
});

const filledReplay = async (more: object = {}): Promise<string> => {
  const { id } = await running.platform.replays.start(
    { view: 'turnover', reason: 'a test', ...more },
    caller,
  );
  await replayFilled(running.platform, id);
  return id;
};

describe('replays', () => {
  const published = async (): Promise<void> => {
    const now = Date.now();
    const events = Array.from({ length: 50 }, (_, i) => ({
      shop: `s${i % 5}`,
      at: now - i * 1000,
      amount: i + 1,
    }));
    await running.platform.publishing.publish({ source: 'sales', events }, caller);
  };

  test('a replay is a child run of its generation: started, filled, promoted, rolled back, retired', async () => {
    await published();
    const from = Date.now() - 86_400_000;
    const id = await filledReplay({ from, to: Date.now() });
    await running.platform.replays.change(id, 'promote', {}, caller);
    await running.platform.replays.change(id, 'rollback', {}, caller);
    await running.platform.replays.change(id, 'retire', {}, caller);
    const events = await emitted('COMPLETE compute.turnover');
    expect(events.flatMap(check)).toEqual([]);
    expect(events.map(line)).toEqual([
      'START compute.turnover',
      'START replay.turnover',
      'COMPLETE replay.turnover',
      'RUNNING compute.turnover',
      // promoted: the previous generation is kept
      'RUNNING compute.turnover',
      'OTHER replay.turnover',
      'RUNNING compute.turnover',
      // rolled back
      'OTHER replay.turnover',
      'RUNNING compute.turnover',
      'RUNNING compute.turnover',
      // retired
      'OTHER replay.turnover',
      'COMPLETE compute.turnover',
    ]);
    const replay = run(events, 'START replay.turnover');
    const computing = run(events, 'START compute.turnover');
    expect(facets(replay.run)).toMatchObject({
      parent: {
        run: { runId: computing.run.runId },
        job: { namespace: 'tests', name: 'compute.turnover' },
      },
      nominalTime: { nominalStartTime: new Date(from).toISOString() },
      millrace_generation: {
        generation: 2,
        replay: { id, reason: 'a test', actor: 'test', from: new Date(from).toISOString() },
      },
    });
    expect(
      events
        .filter((event) => line(event).endsWith('replay.turnover'))
        .map((event) => (event as RunEvent).run.runId),
    ).toEqual(Array(5).fill(replay.run.runId));
    expect(replay.run.runId).not.toBe(computing.run.runId);
    expect(computing.outputs.map(({ name }) => name)[0]).toBe('features.turnover');
    expect(facets(computing.outputs[1])).toMatchObject({ storage: { storageLayer: 'iceberg' } });
    const changes = events.map((event) => facets((event as RunEvent).run)['millrace_generation']);
    expect(changes.slice(4, 7).map((f) => `${f?.['generation']} ${f?.['state']}`)).toEqual([
      '1 standby',
      '2 live',
      '2 live',
    ]);
    expect(changes.slice(7, 10).map((f) => `${f?.['generation']} ${f?.['state']}`)).toEqual([
      '2 standby',
      '2 standby',
      '1 live',
    ]);
  });

  test('a replay that is abandoned once filled has completed; its generation is aborted', async () => {
    const id = await filledReplay();
    await running.platform.replays.change(id, 'abandon', {}, caller);
    const events = await emitted('ABORT compute.turnover');
    expect(events.flatMap(check)).toEqual([]);
    expect(events.map(line)).toEqual([
      'START compute.turnover',
      'START replay.turnover',
      'COMPLETE replay.turnover',
      'RUNNING compute.turnover',
      'OTHER replay.turnover',
      'ABORT compute.turnover',
    ]);
  });

  /**
   * No fault of this test makes the embedded engine fail to fill, so the commit is made here and
   * folded like the platform's own.
   */
  test('a replay that fails ends its generation too, with the reason', () => {
    const fold = registryLineage({
      namespace: 'tests',
      producer: 'urn:x',
      engine: { name: 'e', version: '1' },
      places: NOWHERE,
    });
    const commits = [shop, sales, turnover].map((definition) => ({
      stream: `${definition.kind}/${definition.name}`,
      events: [
        { type: REGISTERED[definition.kind], data: { version: 1, definition } },
      ] as StoredEvent[],
    }));
    const replay = {
      id: 'turnover-1',
      reason: null,
      actor: 'a',
      from: null,
      to: null,
      keys: ['s1'],
    };
    commits[2]?.events.push(
      { type: 'GenerationStarted', data: { generation: 1, version: 1, replay, at: 1 } },
      { type: 'GenerationFailed', data: { generation: 1, error: 'the disk is gone', at: 2 } },
    );
    const command = { id: 'c', type: 'T', data: null, actor: 'a', reason: null, time: 1 };
    const events = commits.flatMap((commit, i) =>
      fold.next({ ...commit, position: i + 1, version: 1, refusal: null, command }),
    );
    expect(events.flatMap(check)).toEqual([]);
    expect(events.map(line).slice(-2)).toEqual(['FAIL replay.turnover', 'FAIL compute.turnover']);
    expect(facets((events.at(-1) as RunEvent).run)).toMatchObject({
      errorMessage: { message: 'the disk is gone' },
    });
  });
});

describe('data sets and batches', () => {
  const spine = [{ shop: 's1', event_timestamp: Date.now() }];
  const settled = async (id: string): Promise<string> =>
    (await finished(running.platform, { id })).state;
  let out: string;
  beforeAll(() => {
    out = mkdtempSync(join(tmpdir(), 'millrace-lineage-'));
  });
  afterAll(() => rmSync(out, { recursive: true, force: true }));

  test.each(['event-time', 'as-served'] as const)(
    'one that is done (%s): inputs with versions and snapshots, the file, its rows',
    async (mode) => {
      const file = join(out, `${mode}.csv`);
      const request = {
        target: { service: 'till' },
        spine: { rows: spine.map((row) => ({ ...row, basket: 3 })) },
        out: file,
        mode,
        withStatus: mode === 'as-served',
      } as const;
      const { id } = await running.platform.datasets.start(request, caller);
      expect(await settled(id)).toBe('done');
      const events = await emitted('COMPLETE dataset.till');
      expect(events.flatMap(check)).toEqual([]);
      expect(events.map(line)).toEqual(['START dataset.till', 'COMPLETE dataset.till']);
      const [started, done] = events as RunEvent[];
      expect(done?.run.runId).toBe(started?.run.runId);
      expect(done?.inputs.map(({ name }) => name)).toEqual(['features.turnover', 'raw.sales']);
      expect(facets(done?.inputs[0])['version']).toMatchObject({ datasetVersion: '2/1' });
      expect(facets(done?.inputs[1])['version']?.['datasetVersion']).toMatch(/^\d+$/);
      expect(done?.outputs[0]).toMatchObject({
        namespace: 'file',
        name: file,
        facets: { storage: { fileFormat: 'csv' } },
        outputFacets: {
          outputStatistics: { rowCount: 1, size: readFileSync(file).length, fileCount: 1 },
        },
      });
      const names = ['sales_1h', 'amount_1d', 'risk'].flatMap((name) =>
        request.withStatus ? [name, `${name}__status`] : [name],
      );
      expect(facets(done?.outputs[0])['schema']?.['fields']).toEqual(
        names.map((name) => ({ name })),
      );
      expect(facets(done?.outputs[0])['columnLineage']?.['fields']).toMatchObject({
        sales_1h: { inputFields: [{ name: 'features.turnover', field: 'sales_1h' }] },
        risk: { inputFields: [{ name: 'on-demand.risk', field: 'risk' }] },
      });
      expect(facets(done?.run)['millrace_dataset']).toMatchObject({
        id,
        mode,
        kind: 'dataset',
        target: { service: 'till' },
        actor: 'test',
      });
    },
  );

  test('a data set that fails reports the reason', async () => {
    const file = join(out, 'none.csv');
    const { id } = await running.platform.datasets.start(
      {
        target: { view: 'turnover' },
        spine: { file: join(out, 'there-is-none.parquet') },
        out: file,
        mode: 'event-time',
      },
      caller,
    );
    expect(await settled(id)).toBe('failed');
    const events = await emitted('FAIL dataset.turnover');
    expect(events.flatMap(check)).toEqual([]);
    expect(facets((events[1] as RunEvent).run)['errorMessage']?.['message']).toMatch(/MR_/);
    expect((events[0] as RunEvent).inputs.at(-1)?.name).toBe(join(out, 'there-is-none.parquet'));
  });

  test('a data set that is cancelled is aborted', async () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => ({
      shop: `s${i}`,
      event_timestamp: Date.now() - i,
    }));
    const { id } = await running.platform.datasets.start(
      { target: { view: 'turnover' }, spine: { rows }, mode: 'event-time' },
      caller,
    );
    expect((await running.platform.datasets.cancel(id)).state).toBe('cancelled');
    const events = await emitted('ABORT dataset.turnover');
    expect(events.flatMap(check)).toEqual([]);
  });

  test('a batch score is reported as a run', async () => {
    const file = join(out, 'batch.parquet');
    const { rows } = await running.platform.datasets.batch(
      { target: { view: 'turnover' }, out: file },
      caller,
    );
    const events = await emitted('COMPLETE batch.turnover');
    expect(events.flatMap(check)).toEqual([]);
    expect((events[1] as RunEvent).outputs[0]?.outputFacets?.['outputStatistics']).toMatchObject({
      rowCount: rows,
    });
    expect(rows).toBe(5);
  });
});

test('a retired view is dropped and its run ends; restored, it computes in a new run', async () => {
  const send = (type: string, kind: string, name: string) =>
    running.platform.registry.command({ type, data: { kind, name } }, caller);
  await send('Retire', 'feature-service', 'till');
  await send('Retire', 'on-demand-feature', 'risk');
  await send('Retire', 'feature-view', 'turnover');
  await send('Restore', 'feature-view', 'turnover');
  const events = await emitted('START compute.turnover');
  expect(events.flatMap(check)).toEqual([]);
  const lines = events.map(line);
  expect(lines.slice(lines.indexOf('dataset features.turnover'))).toEqual([
    'dataset features.turnover',
    'job compute.turnover',
    'COMPLETE compute.turnover',
    'dataset features.turnover',
    'job compute.turnover',
    'START compute.turnover',
  ]);
  expect(run(events, 'START compute.turnover').run.runId).not.toBe(
    run(events, 'COMPLETE compute.turnover').run.runId,
  );
  const states = events
    .filter((event) => line(event) === 'dataset features.turnover')
    .map(
      (event) =>
        facets((event as Extract<LineageEvent, { dataset: unknown }>).dataset)[
          'lifecycleStateChange'
        ]?.['lifecycleStateChange'],
    );
  expect(states).toEqual(['DROP', 'CREATE']);
});

describe('delivery to the receiver', () => {
  test('requests are JSON with the key, at the endpoint; the API returns the same events', async () => {
    expect(receiver.received[0]?.path).toBe('/api/v1/lineage');
    expect(receiver.received[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      authorization: 'Bearer secret',
    });
    const gateway = await createHttpGateway({
      modules: httpModules(),
      platform: running.platform,
      port: 0,
    });
    const fetched: unknown[] = [];
    for (let after = 0; ; ) {
      const { status, body } = await call(gateway.url, `/v1/lineage/events?after=${after}&limit=7`);
      expect(status).toBe(200);
      const page = body as { events: unknown[]; next: number };
      if (page.events.length === 0) break;
      fetched.push(...page.events);
      after = page.next;
    }
    await gateway.close();
    expect(fetched).toEqual(receiver.received.map(({ event }) => event));
  });

  test('the environment variables of OpenLineage’s clients are understood', () => {
    const env = {
      OPENLINEAGE_URL: 'http://there:5000/base',
      OPENLINEAGE_ENDPOINT: 'in',
      OPENLINEAGE_API_KEY: 'k',
      OPENLINEAGE_NAMESPACE: 'n',
    };
    expect(lineageSettings(undefined, env)).toMatchObject({
      namespace: 'n',
      target: { url: 'http://there:5000/base/in', apiKey: 'k' },
    });
    expect(lineageSettings('log', env)).toMatchObject({ target: { kind: 'log' } });
    expect(lineageSettings('/tmp/x.ndjson', {})).toMatchObject({
      namespace: 'millrace',
      target: { kind: 'file', path: '/tmp/x.ndjson' },
    });
    expect(lineageSettings('file:///tmp/x.ndjson', {})).toMatchObject({
      target: { path: '/tmp/x.ndjson' },
    });
    expect(lineageSettings('http://there', { ...env, OPENLINEAGE_DISABLED: 'true' })).toBeNull();
    expect(lineageSettings(undefined, {})).toBeNull();
    expect(() => lineageSettings('kafka://there:9092', {})).toThrow(
      /not a place for OpenLineage events/,
    );
  });
});

test('progress is reported only for generations that took events since', async () => {
  const other = await startReceiver();
  const target = { kind: 'http', url: other.url, apiKey: null, gzip: true } as const;
  const platform = await testPlatform({ lineage: settings(other.url, { target, everyMs: 20 }) });
  await platform.platform.registry.apply(plain(shop, sales, turnover), {}, caller);
  await platform.platform.publishing.publish(
    { source: 'sales', events: [{ shop: 'a', at: Date.now(), amount: 1 }] },
    caller,
  );
  const of = (event: LineageEvent) =>
    'run' in event ? facets(event.run)['millrace_progress'] : undefined;
  const events = await other.until((all) => all.some((event) => of(event)?.['events'] === 1));
  expect(events.flatMap(check)).toEqual([]);
  expect(events.map(of).find((progress) => progress?.['events'] === 1)).toMatchObject({
    entities: 1,
    position: 'raw.sales@0:1',
    error: null,
  });
  expect(other.received[0]?.headers['content-encoding']).toBe('gzip');
  await sleep(100);
  expect(other.received.filter(({ event }) => of(event)?.['events'] === 1)).toHaveLength(1);
  await platform.dispose();
  await other.close();
});

test('without lineage settings no event is made, and the endpoint says how to turn lineage on', async () => {
  const platform = await testPlatform();
  await platform.platform.registry.apply(plain(shop, sales), {}, caller);
  await expect(platform.platform.registry.lineageEvents({})).rejects.toThrow(/--openlineage/);
  await platform.dispose();
});
