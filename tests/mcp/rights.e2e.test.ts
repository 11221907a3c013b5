/**
 * Every tool with every role: the roles are written here a second time, by hand. Nothing is shown
 * of namespaces that a caller may not see. Limits, quotas, the audit log and the access log are
 * those of the HTTP routes.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACTIONS, type Action, ROLES, type Role } from '#domain/authorization/grants.ts';
import type { AccessEntry } from '#domain/ports/access-log.ts';
import {
  charge,
  DEFINITIONS,
  founder,
  type Guarded,
  guarded,
} from '#tests/access/support/fixture.ts';
import { auditOf, finished } from '#tests/support/platform.ts';
import { type Agent, agentOver, httpTransport } from './support/client.ts';
import type { DatasetAnswer } from './support/parts.ts';

let on: Guarded;
let dataset: string;
const entries: AccessEntry[] = [];
const log = { write: (entry: AccessEntry) => void entries.push(entry), close: async () => {} };
const keys = new Map<string, string>();
let stranger: string;
/** how far the platform's clock is ahead, ms */
let later = 0;

const spine = () => ({ rows: [{ card: 'c1', event_timestamp: Date.now() }] });

beforeAll(async () => {
  const samples = { others: 1, byNamespace: new Map() };
  const options = { failuresAtOnce: 10_000, accessLog: { log, samples } };
  on = await guarded(options, DEFINITIONS, { now: () => Date.now() + later });
  for (const role of ROLES) keys.set(role, (await on.key([`${role}@*`])).header);
  stranger = (await on.key(['admin@elsewhere'])).header;
  const events = [charge('e1'), charge('e2', 5)];
  await on.platform.publishing.publish({ source: 'charges', events }, founder);
  const admin = await connect(keys.get('admin') as string);
  const started = await admin.ask<DatasetAnswer>('start_dataset', {
    view: 'spending',
    spine: spine(),
    name: 'kept',
  });
  dataset = started.id;
  await finished(on.platform, started);
});
afterAll(async () => {
  for (const agent of agents.values()) await agent.close();
  await on?.dispose();
});

/** By key; null: none. */
const agents = new Map<string | null, Agent>();
const connect = async (key: string | null): Promise<Agent> => {
  const agent = agents.get(key) ?? (await agentOver(httpTransport(on.http.url, key)));
  agents.set(key, agent);
  return agent;
};
const withGrants = async (...grants: readonly string[]): Promise<Agent> =>
  connect((await on.key(grants)).header);

interface Sample {
  readonly needs: readonly Action[];
  readonly args: () => object;
}

const TOOLS: Readonly<Record<string, Sample>> = {
  search_definitions: { needs: ['catalog'], args: () => ({ query: 'charges' }) },
  show_definition: { needs: ['catalog'], args: () => ({ name: 'spending' }) },
  read_features: {
    needs: ['read'],
    args: () => ({ features: ['spending:spent'], entities: [{ card: 'c1' }] }),
  },
  explain_value: {
    needs: ['explain'],
    args: () => ({ feature: 'spending:spent', entity: { card: 'c1' } }),
  },
  show_lineage: { needs: ['catalog'], args: () => ({ name: 'spending' }) },
  list_datasets: { needs: ['read'], args: () => ({}) },
  show_dataset: { needs: ['read'], args: () => ({ dataset: 'kept@1' }) },
  start_dataset: {
    needs: ['read'],
    // Without a time: nothing is built.
    args: () => ({ view: 'spending', spine: { rows: [{ card: 'c1' }] } }),
  },
  rerun_dataset: { needs: ['read'], args: () => ({ dataset: 'kept', spine: spine() }) },
  cancel_dataset: { needs: ['read', 'keys'], args: () => ({ dataset }) },
  list_tables: { needs: ['catalog'], args: () => ({}) },
  query_sql: { needs: ['operate'], args: () => ({ sql: 'SELECT count(*) FROM raw_charges' }) },
};

const AFTER_RIGHTS: readonly string[] = ['MR_DATASET_CHANGED', 'MR_SPINE_INVALID'];

const mayAll = (role: Role, needs: readonly Action[]): boolean =>
  role === 'admin' ||
  needs.every((action) => (ACTIONS[action].roles as readonly Role[]).includes(role));

test('every tool is listed here', async () => {
  const agent = await connect(keys.get('eraser') as string);
  const { tools } = await agent.client.listTools();
  expect(tools.map(({ name }) => name).sort()).toEqual(Object.keys(TOOLS).sort());
});

describe.each(Object.entries(TOOLS))('%s', (name, { needs, args }) => {
  test('answers the roles of the table, and no other', async () => {
    for (const role of ROLES) {
      const agent = await connect(keys.get(role) as string);
      const result = await agent.client.callTool({ name, arguments: args() as never });
      const { error } = (result.structuredContent ?? {}) as { error?: { code: string } };
      // Found out after the rights: a rerun's rows are other ones, a start's rows have no time.
      const isRefused = error !== undefined && !AFTER_RIGHTS.includes(error.code);
      expect({ role, refused: isRefused ? error.code : null }).toEqual({
        role,
        refused: mayAll(role, needs) ? null : 'MR_FORBIDDEN',
      });
    }
  });

  test('shows an admin of another namespace nothing', async () => {
    const agent = await connect(stranger);
    const result = await agent.client.callTool({ name, arguments: args() as never });
    const text = JSON.stringify(result.structuredContent);
    const { error } = result.structuredContent as { error?: { code: string } };
    const lists = ['search_definitions', 'list_datasets', 'list_tables'];
    if (lists.includes(name)) expect(error).toBeUndefined();
    else expect(error?.code).toMatch(/^MR_(NOT_FOUND|FORBIDDEN)$/);
    // What it has asked for it may read again.
    const asked = JSON.stringify(args());
    for (const hidden of ['payments', 'fraud', 'scoring', 'doubled', 'suspicion', 'card_'])
      if (!asked.includes(hidden)) expect(text).not.toContain(hidden);
  });
});

test('a hidden name and one that is not registered get the same answer', async () => {
  const agent = await withGrants('reader@payments', 'auditor@payments', 'operator@payments');
  const hidden = ['suspicion', 'hinted', 'mixed'];
  const calls = (name: string): readonly (readonly [string, object])[] => [
    ['show_definition', { name }],
    ['show_definition', { name: `feature-view/${name}` }],
    ['show_lineage', { name }],
    ['read_features', { view: name, entities: [{ card: 'c1' }] }],
    ['read_features', { service: name, entities: [{ card: 'c1' }] }],
    ['read_features', { features: [`${name}:seen`], entities: [{ card: 'c1' }] }],
    ['explain_value', { feature: `${name}:seen`, entity: { card: 'c1' } }],
    ['explain_value', { feature: name, entity: { card: 'c1' } }],
    ['start_dataset', { view: name, spine: spine() }],
    ['show_dataset', { dataset: name }],
    ['list_tables', { table: `served_${name}` }],
    // Each statement has a process.
    ...(name.length === 9 ? [['query_sql', { sql: `SELECT * FROM served_${name}` }] as const] : []),
  ];
  for (const name of hidden) {
    const unregistered = 'x'.repeat(name.length);
    for (const [i, [tool, args]] of calls(name).entries()) {
      const one = await agent.refused(tool, args);
      const other = await agent.refused(tool, calls(unregistered)[i]?.[1] as object);
      const text = (refusal: object) => JSON.stringify(refusal).replaceAll(unregistered, name);
      expect(text(other), `${tool} ${JSON.stringify(args)}`).toBe(text(one));
    }
  }
});

test('lists and graphs have only what the caller may see, also those of then', async () => {
  const reader = await withGrants('reader@payments');
  const found = await reader.ask('search_definitions');
  const graph = await reader.ask('show_lineage');
  const shown = await reader.ask('show_definition', { name: 'charges' });
  for (const answer of [found, graph, shown]) {
    expect(JSON.stringify(answer)).toContain('spending');
    expect(JSON.stringify(answer)).not.toMatch(/suspicion|hinted|mixed|fraud/);
  }
});

test('no key, a wrong one, a revoked one, an expired one', async () => {
  const refusal = { message: expect.stringContaining('MR_UNAUTHENTICATED') };
  await expect(connect(null)).rejects.toMatchObject(refusal);
  await expect(connect(`Bearer mr_${'0'.repeat(12)}_${'A'.repeat(43)}`)).rejects.toMatchObject(
    refusal,
  );
  const short = await on.key(['reader@*'], { expiresAt: Date.now() + 3_600_000 });
  const agent = await connect(short.header);
  await agent.ask('search_definitions');
  later = 3_600_000;
  await expect(agent.ask('search_definitions')).rejects.toMatchObject(refusal);
  const revoked = await on.key(['reader@*']);
  const other = await connect(revoked.header);
  await on.platform.keys.revoke(revoked.id, {}, founder);
  await expect(other.ask('search_definitions')).rejects.toMatchObject(refusal);
});

test('each message is a request of the key, and rows count in its quota', async () => {
  const few = await on.key(['reader@*'], { limits: { rowsPerDay: 3 } });
  const agent = await connect(few.header);
  const read = (cards: number) => ({
    features: ['spending:spent'],
    entities: Array.from({ length: cards }, (_, i) => ({ card: `c${i}` })),
  });
  await agent.ask('read_features', read(2));
  expect(await agent.refused('read_features', read(2))).toMatchObject({
    code: 'MR_QUOTA_EXCEEDED',
  });
  await agent.ask('read_features', read(1));

  const slow = await on.key(['reader@*'], { limits: { requestsPerSecond: 1, burst: 5 } });
  // It has sent three messages: initialize, initialized, tools/list.
  const limited = await connect(slow.header);
  const results = await Promise.allSettled(
    Array.from({ length: 60 }, () => limited.ask('search_definitions')),
  );
  const refused = results.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []));
  expect(refused.length).toBeGreaterThan(20);
  for (const text of refused) expect(text).toContain('MR_RATE_LIMITED');
});

test('refusals are in the audit log, and reads in the access log', async () => {
  const { id, header } = await on.key(['producer@payments'], { name: 'curious_agent' });
  const agent = await connect(header);
  const { code } = await agent.refused('read_features', {
    features: ['spending:spent'],
    entities: [{ card: 'c1' }],
  });
  expect(code).toBe('MR_FORBIDDEN');
  await on.access.close();
  const records = (await auditOf(on.platform)).filter(({ actor }) => actor === 'curious_agent');
  expect(records).toMatchObject([{ outcome: 'refused' }]);

  entries.length = 0;
  const reader = await on.key(['reader@payments', 'auditor@payments'], { name: 'reading_agent' });
  const reading = await connect(reader.header);
  await reading.ask('read_features', { view: 'spending', entities: [{ card: 'c1' }] });
  await reading.ask('explain_value', { feature: 'spending:spent', entity: { card: 'c1' } });
  expect(entries).toMatchObject([
    { act: 'read', actor: 'reading_agent', namespaces: ['payments'], entities: 1, outcome: 'ok' },
    { act: 'explain', actor: 'reading_agent', what: ['spending:spent'], outcome: 'ok' },
  ]);
  expect(id).not.toBe(reader.id);
});
