/** What becomes of definitions that are retired, restored, left out of the files, or exported. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { col, count, entity, featureService, featureView, last, source, sum } from 'millrace';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Definition } from '#domain/definitions/model.ts';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { type Ran, runInProcess } from '#tests/support/cli.ts';
import { caller, replayFilled, type TestPlatform, testPlatform } from '#tests/support/platform.ts';

const card = entity({ name: 'card', keys: { card: 'string' } });
const charges = source({
  name: 'charges',
  fields: { at: 'timestamp', card: 'string', amount: 'double' },
  eventTime: 'at',
});
const spending = featureView({
  name: 'spending',
  entity: card,
  source: charges,
  features: {
    n: count(),
    spent: sum(col('amount'), { window: '7d' }),
    newest: last(col('amount')),
  },
});
const scoring = featureService({ name: 'scoring', features: [spending.pick('n')] });
const all: readonly Definition[] = [card, charges, spending, scoring];

interface Server extends TestPlatform {
  readonly millrace: (...args: readonly string[]) => Promise<Ran>;
}

let directory: string;
const opened: { readonly on: TestPlatform; readonly gateway: HttpGateway }[] = [];

const server = async (): Promise<Server> => {
  const on = await testPlatform();
  const { platform } = on;
  const access = platform.access({ authentication: 'off' });
  const gateway = await createHttpGateway({
    modules: httpModules(),
    platform: access.platform,
    access,
    port: 0,
  });
  opened.push({ on, gateway });
  return { ...on, millrace: (...args) => runInProcess(args, { MILLRACE_URL: gateway.url }) };
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-lifecycle-'));
});
afterEach(async () => {
  for (const { on, gateway } of opened.splice(0)) {
    await gateway.close();
    await on.dispose();
  }
  rmSync(directory, { recursive: true, force: true });
});

const file = (name: string, definitions: readonly Definition[]): string => {
  const path = join(directory, name);
  writeFileSync(path, JSON.stringify(definitions));
  return path;
};

/** Succeeds, and returns what was printed. */
const done = async (ran: Promise<Ran>): Promise<string> => {
  const { status, out, err } = await ran;
  // A command that takes more than a second says what it does.
  expect([status, err.replace(/^applying .*\n/gm, '')]).toEqual([0, '']);
  return out;
};

const start = Date.now() - 3_600_000;
const publish = async ({ platform }: TestPlatform, from: number, count: number): Promise<void> => {
  const events = Array.from({ length: count }, (_, i) => ({
    at: start + (from + i) * 1_000,
    card: `c${(from + i) % 7}`,
    amount: from + i,
  }));
  expect(await platform.publishing.publish({ source: 'charges', events }, caller)).toMatchObject({
    accepted: count,
  });
};
const values = async ({ platform }: TestPlatform) =>
  (
    await platform.serving.read({
      features: ['spending:n', 'spending:spent', 'spending:newest'],
      entities: Array.from({ length: 7 }, (_, i) => ({ card: `c${i}` })),
    })
  ).values;

const retired = (what: string, name: string): RegExp =>
  new RegExp(
    `${what} is retired since \\d{4}-\\d\\d-\\d\\dT.*Z: .millrace restore ${name}. brings it`,
  );

test('a retired view is neither read nor computed; restored, it has the values of one that never was', async () => {
  const [one, other] = [await server(), await server()];
  const definitions = file('all.json', all);
  for (const { millrace } of [one, other]) await done(millrace('apply', definitions));
  for (const on of [one, other]) await publish(on, 0, 100);

  // What is used by others is not retired, and they are named.
  const used = await one.millrace('retire', 'spending');
  expect([used.status, used.err]).toEqual([
    1,
    'error MR_REFUSED: feature-view "spending" is used by feature-service/scoring: revise or retire that first\n',
  ]);
  await done(one.millrace('retire', 'scoring', '--reason', 'replaced'));
  expect(await done(one.millrace('retire', 'spending'))).toMatch(
    /^feature-view spending is retired: it is neither read nor computed any more; `millrace restore spending`/,
  );
  await expect(values(one)).rejects.toMatchObject({
    code: 'MR_NOT_FOUND',
    message: expect.stringMatching(retired('feature view "spending"', 'spending')),
  });
  const get = await one.millrace('get', 'scoring', '--entity', 'card=c1');
  expect([get.status, get.err]).toEqual([
    1,
    expect.stringMatching(retired('feature service "scoring"', 'scoring')),
  ]);
  expect((await one.millrace('restore', 'scoring')).err).toMatch(
    /feature service scoring: feature view "spending" is retired: `millrace restore spending` brings it back/,
  );
  expect(await done(one.millrace('status'))).not.toContain('spending');
  expect((await one.millrace('retire', 'spending')).err).toMatch(/is retired already/);

  // Its source goes on.
  for (const on of [one, other]) await publish(on, 100, 100);
  expect(await done(one.millrace('list', 'feature-view'))).toMatch(/spending +1 +retired/);

  await done(one.millrace('restore', 'spending'));
  expect(await values(one)).toEqual(await values(other));
  await done(one.millrace('restore', 'scoring'));
  const read = ['get', 'scoring', '--entity', 'card=c1'];
  expect((await done(one.millrace(...read))).split('\n').slice(0, 2)).toEqual(
    (await done(other.millrace(...read))).split('\n').slice(0, 2),
  );
  for (const on of [one, other]) await publish(on, 200, 50);
  await expect.poll(() => values(one)).toEqual(await values(other));
});

test('a retired source accepts no events, and takes them again once it is restored', async () => {
  const one = await server();
  await done(one.millrace('apply', file('all.json', all)));
  for (const name of ['scoring', 'spending', 'charges']) await done(one.millrace('retire', name));
  const why = expect.stringMatching(retired('source "charges"', 'charges'));
  await expect(publish(one, 0, 1)).rejects.toMatchObject({
    code: 'MR_UNKNOWN_SOURCE',
    message: why,
  });
  const events = join(one.directory, 'events.ndjson');
  writeFileSync(events, '{}\n');
  expect(await one.millrace('publish', 'charges', events)).toMatchObject({ status: 1, err: why });
  // A view is not restored before what it reads.
  expect((await one.millrace('restore', 'spending')).err).toMatch(
    /feature view spending: source "charges" is retired: `millrace restore charges` brings it/,
  );
  await done(one.millrace('restore', 'charges'));
  await publish(one, 0, 7);
  await done(one.millrace('restore', 'spending'));
  expect((await values(one)).map(([n]) => n)).toEqual([1, 1, 1, 1, 1, 1, 1]);
});

test('a name that several kinds have needs its kind, unless only one of them can change', async () => {
  const one = await server();
  const twin = featureService({ name: 'spending', features: [spending.pick('n')] });
  await done(one.millrace('apply', file('twins.json', [card, charges, spending, twin])));
  expect((await one.millrace('deprecate', 'spending')).err).toMatch(
    /several definitions: write feature-view\/spending or feature-service\/spending/,
  );
  await done(one.millrace('deprecate', 'spending', '--kind', 'feature-view'));
  // What reads a deprecated definition is told so.
  expect(await done(one.millrace('plan', file('more.json', [scoring])))).toMatch(
    /\+ feature-service scoring: create\n {4}it reads feature-view\/spending, which is deprecated/,
  );
  await done(one.millrace('deprecate', 'spending'));
  await done(one.millrace('restore', 'feature-service/spending'));
  expect(await done(one.millrace('restore', 'spending'))).toBe('feature-view spending is active\n');
  expect((await one.millrace('deprecate', 'spendin')).err).toBe(
    'error MR_NOT_FOUND: nothing is registered as "spendin"; did you mean "spending"?\n',
  );
});

test('what disappears from the files is listed, and pruned with its readers first', async () => {
  const one = await server();
  const [everything, less] = [file('all.json', all), file('less.json', [card, charges])];
  await done(one.millrace('apply', everything));
  expect(await done(one.millrace('plan', less))).toBe(
    [
      'not in the files: scoring, spending; `apply --prune` retires them',
      '0 to create, 0 to revise, 2 unchanged\n',
    ].join('\n'),
  );
  expect(await done(one.millrace('plan', less, '--prune', '--all'))).toBe(
    [
      '= entity card: unchanged',
      '= source charges: unchanged',
      '- feature-service scoring: retire',
      '- feature-view spending: retire',
      '0 to create, 0 to revise, 2 to retire, 2 unchanged\n',
    ].join('\n'),
  );
  // Without --prune nothing is retired.
  await done(one.millrace('apply', less));
  expect((await one.platform.registry.exported()).definitions).toHaveLength(4);
  expect(await done(one.millrace('apply', less, '--prune', '--reason', 'gone'))).toMatch(
    /- feature-service scoring: retire\n- feature-view spending: retire\napplied 2, at registry@0:\d+\n$/,
  );
  const log = await one.platform.audit.log({ subject: 'feature-view/spending' });
  expect(log.records.at(-1)).toMatchObject({ command: 'Retire', reason: 'gone' });
  expect(await done(one.millrace('apply', less, '--prune'))).toMatch(/^applied 0, /);

  // Back in the files, back in the registry.
  expect(await done(one.millrace('plan', everything))).toMatch(
    /\+ feature-view spending: restore \(compatible\)\n\+ feature-service scoring: restore/,
  );
  await publish(one, 0, 7);
  await done(one.millrace('apply', everything));
  expect((await values(one)).map(([n]) => n)).toEqual([1, 1, 1, 1, 1, 1, 1]);
});

test('nothing is pruned that the files still use, or that other namespaces have', async () => {
  const one = await server();
  const theirs = entity({ name: 'device', keys: { device: 'string' }, namespace: 'fraud' });
  await done(one.millrace('apply', file('all.json', [...all, theirs])));
  const used = file('used.json', [charges, spending, scoring]);
  expect(await done(one.millrace('plan', used))).toMatch(
    /not in the files: card; .*\n {4}card is used by feature-view\/spending: `apply --prune` would be refused\n/,
  );
  expect((await one.millrace('apply', used, '--prune')).err).toBe(
    'error MR_REFUSED: entity "card" is used by feature-view/spending: revise or retire that first\n',
  );
  await done(one.millrace('apply', file('less.json', [card, charges]), '--prune'));
  const left = (await one.platform.registry.exported()).definitions.map(({ name }) => name);
  expect(left).toEqual(['card', 'device', 'charges']);
});

test('a reader that the files drop does not keep its feature', async () => {
  const one = await server();
  await done(one.millrace('apply', file('all.json', all)));
  const { n: _, ...features } = spending.features;
  const revised = file('revised.json', [card, charges, { ...spending, features } as Definition]);
  expect((await one.millrace('plan', revised)).status).toBe(2);
  expect(await done(one.millrace('plan', revised, '--prune'))).toMatch(/1 to revise, 1 to retire/);
  await done(one.millrace('apply', revised, '--prune'));
});

test('a plan exits 0, 2 or 1, with a server and without', async () => {
  const one = await server();
  await done(one.millrace('apply', file('all.json', all)));
  const path = join(directory, 'registry.json');
  await done(one.millrace('export', 'registry', '--out', path));
  const { n: _, ...features } = spending.features;
  const rows: readonly (readonly [status: number, definitions: readonly Definition[]])[] = [
    [0, all],
    [0, [...all, entity({ name: 'device', keys: { device: 'string' } })]],
    [2, [card, charges, { ...spending, features } as Definition]],
    [1, [{ ...spending, source: 'nowhere' } as Definition]],
  ];
  for (const [i, [status, definitions]] of rows.entries()) {
    const given = file(`plan-${i}.json`, definitions);
    const asked = await one.millrace('plan', given);
    expect([i, asked.status]).toEqual([i, status]);
    const nowhere = { MILLRACE_URL: 'http://127.0.0.1:9' };
    expect(await runInProcess(['plan', given, '--against', path], nowhere)).toEqual(asked);
  }
  expect((await one.millrace('plan')).status).toBe(2);
  expect((await one.millrace('plan', '--against', file('not.json', []), path)).err).toMatch(
    /^error MR_FILE_INVALID: \S+not\.json: it is not the export of a registry: `millrace export/,
  );
});

test('an export moves definitions to another platform: versions, pins and statuses', async () => {
  const [one, other] = [await server(), await server()];
  const wider = { ...spending, description: 'all cards' } as Definition;
  const pinned = featureService({
    name: 'pinned',
    features: [{ ...spending.pick('n'), version: 2 }],
  });
  await done(one.millrace('apply', file('all.json', all)));
  await done(one.millrace('apply', file('wider.json', [wider])));
  await done(one.millrace('apply', file('pinned.json', [pinned])));
  await done(one.millrace('deprecate', 'scoring'));
  const [from, to] = [join(directory, 'one.json'), join(directory, 'other.json')];
  expect(await done(one.millrace('export', 'registry', '--out', from))).toBe(
    `5 definitions written to ${from}\n`,
  );
  await done(other.millrace('apply', from));
  expect(await done(other.millrace('plan', from))).toBe('0 to create, 0 to revise, 5 unchanged\n');
  await done(other.millrace('export', 'registry', '--out', to));
  expect(readFileSync(to, 'utf8')).toBe(readFileSync(from, 'utf8'));
  expect(await done(other.millrace('export', 'registry'))).toBe(readFileSync(from, 'utf8'));
  expect(await other.platform.registry.show('feature-view', 'spending')).toMatchObject({
    version: 2,
  });
  expect((await other.millrace('export', 'charges')).status).toBe(2);
});

test('after a promotion the generation that was replaced is retired, by any of its names', async () => {
  const one = await server();
  await done(one.millrace('apply', file('all.json', all)));
  await publish(one, 0, 20);
  const promoted = async (): Promise<string> => {
    const { id } = await one.platform.replays.start({ view: 'spending' }, caller);
    await replayFilled(one.platform, id);
    await done(one.millrace('replay', 'promote', id));
    return id;
  };
  const second = await promoted();
  expect(await done(one.millrace('replay', 'show', 'spending@1'))).toMatch(/generation 1/);
  // The promoted replay's id: the generation that a rollback would restore.
  expect(await done(one.millrace('replay', 'retire', second))).toBe(
    'generation 1 of spending is retired\n',
  );
  expect((await one.millrace('replay', 'rollback', second)).err).toMatch(/no earlier generation/);
  expect((await one.millrace('replay', 'retire', second)).err).toMatch(
    /generation 2 of view "spending" is live, and no earlier one is left to retire/,
  );
  const third = await promoted();
  expect(await done(one.millrace('replay', 'retire', second))).toBe(
    'generation 2 of spending is retired\n',
  );
  const fourth = await promoted();
  expect([third, fourth]).toEqual(['spending-3', 'spending-4']);
  expect(await done(one.millrace('replay', 'retire', 'spending@3'))).toBe(
    'generation 3 of spending is retired\n',
  );
  expect((await values(one)).map(([n]) => n)).toEqual([3, 3, 3, 3, 3, 3, 2]);
});
