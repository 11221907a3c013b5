/**
 * The registry of then, for callers with few rights: a definition that has moved is shown only to
 * those who may see its namespace of then and its present one.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runInProcess } from '#tests/support/cli.ts';
import { plain } from '#tests/support/platform.ts';
import { founder, type Guarded, guarded, spending, suspicion } from './support/fixture.ts';

let on: Guarded;
let before: string;
let after: string;
let reader: string;
let both: string;
beforeAll(async () => {
  on = await guarded();
  reader = (await on.key(['reader@payments'])).header;
  both = (await on.key(['reader@payments', 'reader@fraud'])).header;
  before = await on.platform.registry.position();
  // Each takes the place of the other.
  const moved = plain({ ...suspicion, namespace: 'payments' }, { ...spending, namespace: 'fraud' });
  ({ position: after } = await on.platform.registry.apply(moved, { force: true }, founder));
});
afterAll(() => on?.dispose());

const names = async (key: string, path: string): Promise<readonly string[]> => {
  const { body } = await on.call('GET', path, key);
  return (body as unknown as readonly { readonly name: string }[]).map(({ name }) => name);
};
const views = (position: string): readonly string[] => [
  `/v1/registry/feature-view?asOf=${position}`,
  `/v1/search?q=spending&asOf=${position}`,
  `/v1/search?q=suspicion&asOf=${position}`,
];

test('of a view that has moved here, and of one that has moved away, nothing of then', async () => {
  for (const path of views(before))
    expect(await names(reader, path), path).not.toContain('suspicion');
  for (const path of views(before))
    expect(await names(reader, path), path).not.toContain('spending');
  expect(await names(reader, views(after)[0] as string)).toEqual(['suspicion']);
  expect(await names(both, views(before)[0] as string)).toEqual(['spending', 'suspicion']);
});

test('neither is shown by its name, and both get the answer of a name that there is not', async () => {
  const show = async (name: string, key: string) => {
    const path = `/v1/registry/feature-view/${name}?asOf=${before}`;
    const { status, body } = await on.call('GET', path, key);
    return [status, body.code, body.message?.replaceAll(name, 'NAME')];
  };
  const unknown = await show('nonsense', reader);
  expect(unknown[0]).toBe(404);
  expect(await show('suspicion', reader)).toEqual(unknown);
  expect(await show('spending', reader)).toEqual(unknown);
  expect((await show('suspicion', both))[0]).toBe(200);
  expect((await show('spending', both))[0]).toBe(200);
});

test('the graph of then has what the caller may see now', async () => {
  const { body } = await on.call('GET', `/v1/lineage?asOf=${before}`, reader);
  expect(JSON.stringify(body)).not.toMatch(/spending|mixed|hinted/);
});

test('positions that are not there yet, and texts that are none', async () => {
  const ask = async (asOf: string) => {
    const { status, body } = await on.call('GET', `/v1/search?q=a&asOf=${asOf}`, reader);
    return [status, body.code];
  };
  expect((await ask('registry@0:999999'))[1]).toBe('MR_POSITION_NOT_REACHED');
  expect(await ask('raw.charges@0:1')).toEqual([400, 'MR_BODY_INVALID']);
  expect(await ask('yesterday')).toEqual([400, 'MR_BODY_INVALID']);
  expect(await ask('registry@0:0')).toEqual([200, undefined]);
});

test('the command line answers what the registry answered then', async () => {
  const key = (await on.key(['admin@*'])).header.replace('Bearer ', '');
  const run = async (...args: readonly string[]): Promise<string> => {
    const env = { MILLRACE_URL: on.http.url, MILLRACE_API_KEY: key };
    const { status, out, err } = await runInProcess(['--json', ...args], env);
    expect([status, err]).toEqual([0, '']);
    return out;
  };
  const commands = [
    ['show', 'spending'],
    ['list', 'feature-view'],
    ['search', 'spending'],
  ];
  for (const command of commands) {
    expect(await run(...command, '--as-of', before)).toMatch(/"spending".*"namespace":"payments"/);
    expect(await run(...command)).toMatch(/"spending".*"namespace":"fraud"/);
  }
  expect(JSON.parse(await run('lineage', '--as-of', 'registry@0:0'))).toEqual({
    nodes: [],
    edges: [],
  });
});
