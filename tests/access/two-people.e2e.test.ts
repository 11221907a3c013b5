/** Two people and a server, as processes: a promotion that waits, and the access log of the day. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Ran, runInProcess } from '#tests/support/cli.ts';
import { type Server, startServer } from '#tests/support/server.ts';
import { charge, DEFINITIONS } from './support/fixture.ts';

let directory: string;
let server: Server;
const ADMIN = 'k'.repeat(32);
const accessLog = () => join(directory, 'access.jsonl');
const start = () =>
  startServer(join(directory, 'data'), { MILLRACE_ADMIN_KEY: ADMIN }, [
    '--access-log',
    accessLog(),
    '--access-log-sample',
    '0',
    'payments=1',
  ]);

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-two-people-'));
  server = await start();
});
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

const run = (key: string, ...args: readonly string[]): Promise<Ran> =>
  runInProcess(args, { MILLRACE_URL: server.url, MILLRACE_API_KEY: key });
const done = async (key: string, ...args: readonly string[]): Promise<string> => {
  const { status, out, err } = await run(key, ...args);
  expect(status, `${args.join(' ')}\n${err}`).toBe(0);
  return out.trim();
};

test('one proposes and another approves, also after a restart; reads of the namespace are logged', async () => {
  const [definitions, events] = [join(directory, 'all.json'), join(directory, 'events.ndjson')];
  writeFileSync(definitions, JSON.stringify(DEFINITIONS));
  writeFileSync(events, `${JSON.stringify(charge('e1'))}\n`);
  await done(ADMIN, 'apply', definitions);
  await done(ADMIN, 'publish', 'charges', events);
  const grants = ['operator@payments', 'reader@payments', 'reader@fraud'];
  const ann = await done(ADMIN, 'keys', 'create', 'ann', '--grant', ...grants);
  const bob = await done(ADMIN, 'keys', 'create', 'bob', '--grant', ...grants);
  await done(ADMIN, 'approvals', 'require', 'payments', '--for', 'promotions,grants');
  await done(ann, 'replay', 'start', 'spending', '--wait');

  const { status, err } = await run(ann, 'replay', 'promote', 'spending-2', '--reason', 'equal');
  const id = /proposed as ([0-9a-f]+)/.exec(err)?.[1] as string;
  expect(status, err).toBe(3);
  await server.stop();
  server = await start();
  expect((await run(ann, 'approvals', 'approve', id)).err).toMatch(/another principal/);
  expect(await done(bob, 'approvals', 'show', id)).toMatch(/instead of generation 1/);
  await done(bob, 'approvals', 'approve', id, '--reason', 'compared');
  expect(await done(ann, 'replay', 'show', 'spending-2')).toMatch(/state +promoted/);

  const { status: waits, out: key } = await run(ADMIN, 'keys', 'create', 'c', '--grant', 'admin@*');
  expect(waits).toBe(3);
  expect((await run(key.trim(), 'list', 'source')).err).toMatch(/MR_UNAUTHENTICATED/);

  await done(ann, 'get', 'spending', '--entity', 'card=c1');
  await done(ann, 'get', 'suspicion', '--entity', 'card=c1');
  await server.stop();
  const lines = readFileSync(accessLog(), 'utf8').trim().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    {
      act: 'read',
      actor: 'ann',
      what: ['spending:charges', 'spending:spent'],
      entities: 1,
      outcome: 'ok',
    },
  ]);
});
