/**
 * `millrace stack up` on the real servers, as a process: interrupted, started twice at once, and
 * with options that it must keep.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const program = fileURLToPath(new URL('../../../gateways/cli/main.ts', import.meta.url));
const PORTS = 10;

let directory: string;
let base: number;
const children: ChildProcess[] = [];

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
const taken = async (): Promise<readonly number[]> => {
  const ports = Array.from({ length: PORTS }, (_, i) => base + i);
  const free = await Promise.all(ports.map(isFree));
  return ports.filter((_, i) => free[i] !== true);
};

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-stack-runner-'));
  for (base = 18_420; (await taken()).length > 0; base += PORTS);
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  spawnSync(process.execPath, [program, 'stack', 'down', '--data', directory]);
  rmSync(directory, { recursive: true, force: true });
});

const up = (...more: string[]) => {
  const child = spawn(
    process.execPath,
    [program, 'stack', 'up', '--data', directory, '--base-port', String(base), ...more],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  children.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => {
      said += data.toString();
    });
  const ended = new Promise<number | null>((resolve) =>
    child.once('exit', (code) => resolve(code)),
  );
  return { child, said: () => said, ended };
};

/** Processes with this stack's directory in their command line, besides those that start it. */
const servers = (): readonly string[] =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return command.includes(directory) && !command.includes(program)
          ? [`${pid} ${command.slice(0, 120)}`]
          : [];
      } catch {
        return [];
      }
    });

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s in the middle of the start: nothing goes on that it began',
  async (signal) => {
    const start = up();
    await expect.poll(start.said, { timeout: 60_000 }).toContain('mariadb is ready');
    expect(servers().length).toBeGreaterThan(2);
    start.child.kill(signal);
    start.child.kill(signal);
    expect(await start.ended).not.toBe(0);
    expect(start.said()).toContain('interrupted');
    expect(servers()).toEqual([]);
    expect(await taken()).toEqual([]);
  },
);

test('of two first starts at once one starts the servers and the other reports it', async () => {
  const starts = [up(), up()];
  const [loser, winner] = await Promise.race(
    starts.map((one, i) => one.ended.then(() => [one, starts[1 - i]] as const)),
  );
  expect(await loser.ended).toBe(1);
  expect(loser.said()).toMatch(
    /MR_STACK_FAILED.*`stack up`, process \d+, is starting or stopping/s,
  );
  winner?.child.kill('SIGINT');
  await winner?.ended;
  expect(servers()).toEqual([]);
});
