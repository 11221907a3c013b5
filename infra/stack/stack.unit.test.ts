/**
 * Tests of the runner, with small programs in place of the servers: it finds running servers again,
 * handles interrupts and concurrent starts, and reports ports in use.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server as NetServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { temporaryDirectory } from '#tests/contracts/sqlite.ts';
import { lockStack } from './lock.ts';
import { runningPid } from './process.ts';
import { file, type Server } from './server.ts';
import { SERVER_TABLE } from './servers.ts';
import { openStack, type Stack, type StackOptions } from './stack.ts';
import type { ServerName } from './versions.ts';

let directory: ReturnType<typeof temporaryDirectory>;
const listening: NetServer[] = [];
const stacks: Stack[] = [];

const listen = (port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const server = createServer().listen(port, '127.0.0.1', () => {
      listening.push(server);
      resolve();
    });
    server.once('error', reject);
  });
const closeAll = (): Promise<unknown> =>
  Promise.all(listening.splice(0).map((server) => new Promise((done) => server.close(done))));

beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(async () => {
  await closeAll();
  for (const stack of stacks.splice(0)) await stack.down();
  directory.remove();
});

/**
 * Waits until the process has ended and this process, its parent, has collected its exit status.
 */
const ended = (pid: number): Promise<void> =>
  expect
    .poll(() => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    })
    .toBe(false);

const PROGRAM = `require('node:http').createServer((_, answer) => answer.end(process.argv[2])).listen(Number(process.argv[1]), '127.0.0.1')`;

/**
 * A server that answers over HTTP. Its launch waits for `prepare`, and its readiness check also
 * calls `ready`.
 */
const small = (
  name: ServerName,
  offset: number,
  more: { prepare?: () => Promise<void>; ready?: () => Promise<void> } = {},
): Server => ({
  name,
  version: '1',
  port: ({ basePort }) => basePort + offset,
  after: [],
  deadlineMs: 20_000,
  async launch({ directory: cwd, basePort }) {
    await more.prepare?.();
    return {
      command: process.execPath,
      args: ['-e', PROGRAM, String(basePort + offset), name],
      cwd,
    };
  },
  async ready({ basePort }) {
    const response = await fetch(`http://127.0.0.1:${basePort + offset}`);
    if ((await response.text()) !== name) throw new Error('another program answers');
    await more.ready?.();
  },
});

const never = (): Promise<never> => Promise.reject(new Error('not yet'));
const TABLE = { ...SERVER_TABLE, redis: small('redis', 0), mariadb: small('mariadb', 1) };

const isFree = (port: number): Promise<boolean> =>
  listen(port).then(
    () => closeAll().then(() => true),
    () => false,
  );
/**
 * Chooses ports below the range for outgoing connections, which may use any port of that range at
 * any time.
 */
const freeBase = async (): Promise<number> => {
  for (;;) {
    const base = 20_000 + Math.trunc(Math.random() * 10_000);
    if ((await isFree(base)) && (await isFree(base + 1))) return base;
  }
};
const open = (basePort: number, options: Partial<StackOptions> = {}): Stack => {
  const stack = openStack({
    directory: directory.path,
    basePort,
    servers: ['redis', 'mariadb'],
    table: TABLE,
    ...options,
  });
  stacks.push(stack);
  return stack;
};
const states = async (stack: Stack): Promise<readonly string[]> =>
  (await stack.status())
    .filter((s) => s.name === 'redis' || s.name === 'mariadb')
    .map((s) => `${s.name} ${s.state}`);

test('another runner finds the started servers, does not start them twice, and stops all of them', async () => {
  const base = await freeBase();
  await open(base).up();
  const again = open(base);
  expect(await states(again)).toEqual(['mariadb ready', 'redis ready']);
  const pids = (await again.status()).map((s) => s.pid);
  await again.up();
  expect((await again.status()).map((s) => s.pid)).toEqual(pids);
  await again.down();
  expect(await states(again)).toEqual(['mariadb down', 'redis down']);
  for (const pid of pids) if (pid !== null) await ended(pid);
});

test('an interrupted start stops the servers that it started, and no others', async () => {
  const base = await freeBase();
  await open(base).up(['redis']);
  const interrupt = new AbortController();
  const slow = open(base, { table: { ...TABLE, mariadb: small('mariadb', 1, { ready: never }) } });
  const starting = slow.up(undefined, interrupt.signal);
  const pidFile = join(directory.path, 'run', 'mariadb.json');
  await expect.poll(() => runningPid(pidFile)).not.toBeNull();
  const pid = runningPid(pidFile) as number;
  interrupt.abort();
  await expect(starting).rejects.toMatchObject({
    code: 'MR_STACK_FAILED',
    details: { stopped: ['mariadb'] },
  });
  await ended(pid);
  expect(await states(slow)).toEqual(['mariadb down', 'redis ready']);
});

test('a start that is interrupted during preparations starts no server; a stop interrupts a start', async () => {
  const base = await freeBase();
  let prepared: () => void = () => {};
  const preparing = new Promise<void>((done) => {
    prepared = done;
  });
  const stack = open(base, {
    table: { ...TABLE, mariadb: small('mariadb', 1, { prepare: () => preparing }) },
  });
  const starting = stack.up();
  const refused = expect(starting).rejects.toMatchObject({
    code: 'MR_STACK_FAILED',
    details: { stopped: ['redis'] },
  });
  await expect.poll(() => runningPid(join(directory.path, 'run', 'redis.json'))).not.toBeNull();
  const stopping = stack.down();
  prepared();
  await Promise.all([refused, stopping]);
  expect(await states(stack)).toEqual(['mariadb down', 'redis down']);
});

test('of two concurrent starts one succeeds, and the message of the other names the first', async () => {
  const base = await freeBase();
  const outcomes = await Promise.allSettled([open(base).up(), open(base).up()]);
  expect(outcomes.map((o) => o.status).sort()).toEqual(['fulfilled', 'rejected']);
  const lost = outcomes.find((o) => o.status === 'rejected') as PromiseRejectedResult;
  expect(lost.reason).toMatchObject({
    code: 'MR_STACK_FAILED',
    message: expect.stringContaining(
      `\`stack up\`, process ${process.pid}, is starting or stopping`,
    ),
  });
  await open(base).up();
  lockStack(directory.path, 'stack up')();
});

test('a port that another program uses is reported before any server starts', async () => {
  const base = await freeBase();
  await listen(base + 1);
  await expect(open(base).up()).rejects.toMatchObject({
    code: 'MR_STACK_FAILED',
    message: expect.stringMatching(
      new RegExp(`port ${base + 1}, which mariadb needs, is in use.*--base-port`),
    ),
    details: { server: 'mariadb', port: base + 1 },
  });
  expect(existsSync(join(directory.path, 'run', 'redis.json'))).toBe(false);
});

test('only the owner may reach the directory, and what the servers write', async () => {
  chmodSync(directory.path, 0o755);
  const base = await freeBase();
  const writes = `require('node:fs').writeFileSync('written', ''); require('node:fs').mkdirSync('made'); ${PROGRAM}`;
  const redis: Server = {
    ...small('redis', 0),
    async launch(context) {
      file(join(context.directory, 'conf'), 'secret', 'password');
      return {
        command: process.execPath,
        args: ['-e', writes, String(base), 'redis'],
        cwd: directory.path,
      };
    },
  };
  const stack = open(base, { table: { ...TABLE, redis } });
  await stack.up(['redis']);
  const modeOf = (path: string): number => statSync(join(directory.path, path)).mode & 0o777;
  expect(modeOf('')).toBe(0o700);
  for (const made of ['made', 'logs', 'conf', 'warehouse/paimon']) expect(modeOf(made)).toBe(0o700);
  for (const written of ['written', 'conf/secret', 'logs/redis.log', 'run/redis.json'])
    expect([written, modeOf(written)]).toEqual([written, 0o600]);
  // One that was opened up is closed again at the next start.
  chmodSync(directory.path, 0o755);
  await stack.up(['redis']);
  expect(modeOf('')).toBe(0o700);
});

test('a directory that has something else in it keeps its mode', async () => {
  writeFileSync(join(directory.path, 'other'), '');
  chmodSync(directory.path, 0o755);
  await open(await freeBase()).up(['redis']);
  expect(statSync(directory.path).mode & 0o777).toBe(0o755);
});

test('another base port is refused while servers run', async () => {
  const base = await freeBase();
  await open(base).up(['redis']);
  const other = openStack({ directory: directory.path, basePort: base + 100, table: TABLE });
  await expect(other.up(['redis'])).rejects.toMatchObject({
    details: { known: base, basePort: base + 100 },
  });
});

test('a pid file that is cut off, or whose pid another process has now, counts as no server', () => {
  mkdirSync(join(directory.path, 'run'));
  const file = join(directory.path, 'run', 'redis.json');
  for (const text of ['', '{"pid": 1', `{"pid": ${process.pid}, "started": "1"}`]) {
    writeFileSync(file, text);
    expect(runningPid(file)).toBeNull();
  }
  rmSync(file);
  expect(runningPid(file)).toBeNull();
});

test('the error names an absent program, and has the end of the log of one that ended', async () => {
  const base = await freeBase();
  const absent = {
    ...small('redis', 0),
    launch: async () => ({ command: 'no-such-server', args: [], cwd: directory.path }),
  };
  await expect(open(base, { table: { ...TABLE, redis: absent } }).up(['redis'])).rejects.toThrow(
    '`no-such-server` could not be run',
  );
  const args = ['-e', 'console.log("what is wrong"); process.exit(1)'];
  const broken = {
    ...small('redis', 0),
    launch: async () => ({ command: process.execPath, args, cwd: directory.path }),
  };
  const stack = open(base, { table: { ...TABLE, redis: broken } });
  await expect(stack.up(['redis'])).rejects.toThrow(
    /redis ended; the end of its log:\nwhat is wrong/,
  );
  expect(readFileSync(stack.logFile('redis'), 'utf8')).toContain('what is wrong');
});
