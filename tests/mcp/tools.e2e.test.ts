/**
 * Each tool, by the SDK's client, against a real platform. Then the platform goes on: events
 * arrive, definitions change. The link of each answer still gives that answer.
 */
import { count, featureView } from 'millrace';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { CatalogEntry, LineageGraph } from '#domain/api/registry.ts';
import type { ViewExplanation } from '#domain/api/serving.ts';
import type { DatasetManifest } from '#domain/datasets/manifest.ts';
import {
  card,
  charge,
  charges,
  founder,
  type Guarded,
  guarded,
  spending,
} from '#tests/access/support/fixture.ts';
import { finished, plain } from '#tests/support/platform.ts';
import { type Agent, agentOver, follow, httpTransport } from './support/client.ts';
import {
  type DatasetAnswer,
  type FeaturesAnswer,
  type ReadAnswer,
  rowsOf,
} from './support/parts.ts';

let on: Guarded;
let key: string;
let agent: Agent;
beforeAll(async () => {
  on = await guarded();
  key = (await on.key(['admin@*'])).header;
});
afterAll(() => on?.dispose());
beforeEach(async () => {
  await publish(2, 5);
  agent = await agentOver(httpTransport(on.http.url, key));
});
afterEach(() => agent.close());

let events = 0;
const publish = async (...amounts: readonly number[]): Promise<void> => {
  const some = amounts.map((amount) => charge(`e${++events}`, amount));
  await on.platform.publishing.publish({ source: 'charges', events: some }, founder);
};

let changes = 0;
/** Registers another view of the charges, and a new version of the first one. */
const change = async (): Promise<void> => {
  const features = { ...spending.features, [`seen_${++changes}`]: count() };
  const more = featureView({
    namespace: 'payments',
    name: `later_${changes}`,
    entity: card,
    source: charges,
    features: { charges: count() },
  });
  await on.platform.registry.apply(plain({ ...spending, features }, more), {}, founder);
};

const ms = (text: string): number => Date.parse(text);

test('the tools have titles, descriptions, and schemas whose every property is described', async () => {
  const { tools } = await agent.client.listTools();
  expect(tools.map(({ name }) => name)).toEqual([
    'search_definitions',
    'show_definition',
    'read_features',
    'explain_value',
    'show_lineage',
    'list_datasets',
    'show_dataset',
    'start_dataset',
    'rerun_dataset',
    'cancel_dataset',
    'list_tables',
    'query_sql',
  ]);
  for (const { name, title, description, inputSchema, annotations } of tools) {
    expect(title, name).toMatch(/^[A-Z]/);
    expect(description?.length, name).toBeGreaterThan(50);
    expect(inputSchema, name).toMatchObject({ type: 'object', additionalProperties: false });
    for (const [property, schema] of Object.entries(inputSchema.properties ?? {}))
      expect((schema as { description?: string }).description, `${name} ${property}`).toBeTruthy();
    expect(annotations?.readOnlyHint).toBe(!/^(start|rerun|cancel)/.test(name));
  }
  // A model has this in its context all the time.
  const shown = tools.map(({ name, description, inputSchema }) => [name, description, inputSchema]);
  expect(JSON.stringify(shown).length).toBeLessThan(12_000);
  expect(agent.client.getServerVersion()).toMatchObject({ name: 'millrace' });
  expect(agent.client.getInstructions()).toContain('"known"');
});

test('read_features: present values, and the same ones when more events have come', async () => {
  const answer = await agent.ask<ReadAnswer>('read_features', {
    service: 'scoring',
    entities: [{ card: 'c1' }, { card: 'nobody' }],
    request: [{ by: 2 }],
  });
  const [first, second] = answer.rows as [ReadAnswer['rows'][number], ReadAnswer['rows'][number]];
  const { charges: n, spent, doubled } = first.values as Record<string, number>;
  expect(n).toBeGreaterThanOrEqual(2);
  expect(doubled).toBe(2 * (spent as number));
  expect(first).not.toHaveProperty('status');
  expect(second.status).toMatchObject({ charges: 'not-found' });
  await publish(100);
  await change();
  const again = await follow<FeaturesAnswer>(answer.link, key);
  expect(rowsOf(again)).toEqual(answer.rows);
  expect([again.at, again.known]).toEqual([ms(answer.at), ms(answer.known)]);
  const later = await agent.ask<ReadAnswer>('read_features', {
    features: ['spending:charges'],
    entities: [{ card: 'c1' }],
  });
  expect(Object.values(later.rows[0]?.values ?? {})).toEqual([(n as number) + 1]);
});

test('read_features: a past time, and all features of a view', async () => {
  // The newest version has a feature that the live one lacks, until a replay.
  await change();
  const before = Date.now() - 86_400_000;
  const answer = await agent.ask<ReadAnswer>('read_features', {
    view: 'spending',
    entities: [{ card: 'c1' }],
    at: new Date(before).toISOString(),
  });
  expect(ms(answer.at)).toBe(before);
  expect(Object.keys(answer.rows[0]?.values ?? {})).toEqual(
    expect.arrayContaining(['charges', 'spent']),
  );
  expect(answer.rows[0]?.status).toMatchObject({ charges: 'not-found' });
  await publish(100);
  expect(rowsOf(await follow<FeaturesAnswer>(answer.link, key))).toEqual(answer.rows);
});

test('explain_value: of a view and on demand, the same when more events have come', async () => {
  interface Explained {
    readonly value: number;
    readonly matches: boolean;
    readonly eventsTotal: number;
    readonly events: readonly { readonly position: string; readonly counted: boolean }[];
  }
  const spent = await agent.ask<Explained>('explain_value', {
    feature: 'spending:spent',
    entity: { card: 'c1' },
    events: 2,
  });
  const doubled = await agent.ask<Explained>('explain_value', {
    feature: 'doubled',
    entity: { card: 'c1' },
    request: { by: 1.5 },
  });
  expect([spent.matches, doubled.matches, doubled.value]).toEqual([true, true, 1.5 * spent.value]);
  expect(spent.events).toHaveLength(2);
  expect(spent.eventsTotal).toBeGreaterThanOrEqual(2);
  await publish(100);
  const again = await follow<ViewExplanation>(spent.link, key);
  expect(again).toMatchObject({
    value: spent.value,
    matches: true,
    eventsTotal: spent.eventsTotal,
    at: ms(spent.at),
    known: ms(spent.known),
  });
  expect(again.events.slice(-2).map(({ position }) => position)).toEqual(
    spent.events.map(({ position }) => position),
  );
  expect(await follow<ViewExplanation>(doubled.link, key)).toMatchObject({
    value: doubled.value,
    matches: true,
  });
});

test('search, show and lineage: the same when definitions have changed', async () => {
  interface Found {
    readonly definitions: readonly { readonly name: string; readonly version: number }[];
    readonly total: number;
  }
  const found = await agent.ask<Found>('search_definitions', { query: 'charges' });
  const shown = await agent.ask<{
    readonly kind: string;
    readonly version: number;
    readonly features: CatalogEntry['features'];
    readonly usedBy: readonly string[];
    readonly reads: object;
  }>('show_definition', { name: 'spending' });
  const graph = await agent.ask<{ readonly nodes: readonly string[] }>('show_lineage', {
    name: 'charges',
  });
  expect(found.definitions.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['charges', 'spending']),
  );
  expect(shown.kind).toBe('feature-view');
  expect(shown.reads).toEqual({ entityKeys: { card: 'string' }, requestInputs: {} });
  expect(graph.nodes).toContain('feature-service/scoring');

  await change();
  const names = (all: readonly { readonly name: string; readonly version: number }[]) =>
    all.map(({ name, version }) => `${name}@${version}`);
  expect(names(await follow<CatalogEntry[]>(found.link, key))).toEqual(names(found.definitions));
  expect(await follow<CatalogEntry>(shown.link, key)).toMatchObject({
    kind: 'feature-view',
    name: 'spending',
    version: shown.version,
    features: shown.features,
    downstream: shown.usedBy,
  });
  const graphOfThen = await follow<LineageGraph>(graph.link, key);
  expect(graphOfThen.nodes.map(({ id }) => id)).toEqual(graph.nodes);
  // Not because nothing has changed.
  const now = await agent.ask<Found>('search_definitions', { query: 'charges' });
  expect(names(now.definitions)).not.toEqual(names(found.definitions));
  expect(
    (await agent.ask<{ nodes: unknown[] }>('show_lineage', { name: 'charges' })).nodes,
  ).toHaveLength(graph.nodes.length + 1);
});

test('show_definition: an old version, a kind and name, a source with its fields', async () => {
  await change();
  const first = await agent.ask<{ version: number; features: { name: string }[] }>(
    'show_definition',
    { name: 'feature-view/spending', version: 1 },
  );
  expect(first).toMatchObject({ version: 1, features: [{ name: 'charges' }, { name: 'spent' }] });
  expect(await follow<CatalogEntry>(first.link, key)).toMatchObject({ version: 1 });
  expect(await agent.ask('show_definition', { name: 'charges' })).toMatchObject({
    kind: 'source',
    definition: { fields: { amount: 'double' } },
  });
  expect(await agent.ask('show_definition', { name: 'doubled', definition: true })).toMatchObject({
    reads: { entityKeys: { card: 'string' }, requestInputs: { by: 'double' } },
    definition: { kind: 'on-demand-feature' },
  });
});

test('data sets: start, state, rows, list, manifest, again, cancel', async () => {
  const started = await agent.ask<DatasetAnswer>('start_dataset', {
    service: 'scoring',
    spine: { rows: [{ card: 'c1', event_timestamp: Date.now(), by: 2 }] },
    name: 'kept',
  });
  await finished(on.platform, started);
  const done = await agent.ask<DatasetAnswer>('show_dataset', { dataset: started.id });
  expect(done).toMatchObject({ state: 'done', rows: 1, known: started.known });
  expect(done.link.repeatable).toBe(true);
  expect(await follow(done.link, key)).toMatchObject({
    id: started.id,
    state: 'done',
    rows: 1,
    known: ms(done.known),
    finishedAt: ms(done.at),
  });
  const data = await fetch(done.data as string, { headers: { authorization: key } });
  expect(Buffer.from(await data.arrayBuffer()).toString('latin1', 0, 4)).toBe('PAR1');

  const manifest = await agent.ask<{ sha256: string; rows: number; columns: { name: string }[] }>(
    'show_dataset',
    { dataset: 'kept' },
  );
  expect(manifest.columns.map(({ name }) => name)).toContain('doubled');
  await publish(100);
  const spine = { rows: [{ card: 'c1', event_timestamp: Date.now(), by: 3 }] };
  const second = await agent.ask<DatasetAnswer>('start_dataset', {
    service: 'scoring',
    spine,
    name: 'kept',
    newVersion: true,
  });
  await finished(on.platform, second);
  const again = await follow<DatasetManifest>(manifest.link, key);
  expect([again.version, again.content?.sha256, again.recipe.known]).toEqual([
    1,
    manifest.sha256,
    ms(manifest.known),
  ]);
  const rerun = await agent.ask<DatasetAnswer>('rerun_dataset', { dataset: 'kept@2', spine });
  await finished(on.platform, rerun);
  expect(await agent.ask('show_dataset', { dataset: rerun.id })).toMatchObject({ state: 'done' });

  const listed = await agent.ask<{ datasets: DatasetAnswer[]; total: number }>('list_datasets', {
    name: 'kept',
    limit: 2,
  });
  expect(listed).toMatchObject({ total: 3, leftOut: 1 });
  expect(listed.datasets.map(({ id }) => id)).toEqual([rerun.id, second.id]);
  expect(listed.link.repeatable).toBe(false);
  expect(await follow<DatasetAnswer[]>(listed.link, key)).toHaveLength(3);
  expect(await agent.ask('cancel_dataset', { dataset: rerun.id })).toMatchObject({ state: 'done' });
});

test('SQL: the same rows when more events have come, and the first rows of many', async () => {
  interface Rows {
    readonly rows: readonly (readonly unknown[])[];
    readonly rowCount: number;
  }
  const sql = 'SELECT count(*) AS n, sum(amount) AS spent FROM raw_charges';
  const counted = await agent.ask<Rows>('query_sql', { sql });
  await publish(100);
  expect((await follow<Rows>(counted.link, key)).rows).toEqual(counted.rows);
  expect((await agent.ask<Rows>('query_sql', { sql })).rows).not.toEqual(counted.rows);
  const cut = await agent.ask<Rows>('query_sql', {
    sql: 'SELECT id FROM raw_charges ORDER BY id',
    rows: 2,
  });
  expect(cut.rows).toHaveLength(2);
  expect(cut).toMatchObject({ rowCount: events, leftOut: events - 2 });
  expect((await follow<Rows>(cut.link, key)).rows).toHaveLength(events);
  const values = await agent.ask<Rows>('query_sql', { sql: 'FROM spending_v1' });
  expect([values.rowCount, values.link.repeatable, cut.link.repeatable]).toEqual([0, false, true]);
  const tables = await agent.ask<{ tables: { name: string }[] }>('list_tables');
  expect(tables.tables.map(({ name }) => name)).toContain('raw_charges');
  expect(await agent.ask('list_tables', { table: 'raw_charges' })).toMatchObject({
    tables: [{ name: 'raw_charges', columns: expect.arrayContaining([]) }],
  });
});
