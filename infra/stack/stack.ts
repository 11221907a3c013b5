/**
 * The stack's servers on this machine, as ordinary processes on loopback: started in the order of their needs and side by side where they
 * have none, each waited for until it does its work; found again by a later process; stopped whole.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { MillraceError } from '#domain/errors.ts';
import { DEFAULT_BASE_PORT, type StackAddresses, stackAddresses } from './addresses.ts';
import type { Say } from './fetch.ts';
import { end, lastLines, launch, memoryOf, runningPid } from './process.ts';
import type { ServerContext } from './server.ts';
import { SERVER_TABLE } from './servers.ts';
import { SERVERS, type ServerName } from './versions.ts';

export interface StackOptions {
  readonly directory: string;
  readonly basePort?: number;
  readonly servers?: readonly ServerName[];
  readonly say?: Say;
}

export interface ServerStatus {
  readonly name: ServerName;
  readonly version: string;
  readonly state: 'ready' | 'starting' | 'down';
  readonly pid: number | null;
  /** 0: none of its own */
  readonly port: number;
  readonly memoryBytes: number | null;
  readonly log: string;
}

export interface Stack {
  readonly addresses: StackAddresses;
  /** Starts what does not run; resolves when all are ready. */
  readonly up: (servers?: readonly ServerName[]) => Promise<void>;
  readonly start: (name: ServerName) => Promise<void>;
  readonly kill: (name: ServerName, signal?: NodeJS.Signals) => Promise<void>;
  readonly status: () => Promise<readonly ServerStatus[]>;
  /** Stops all that this directory's stack runs. */
  readonly down: () => Promise<void>;
  readonly logFile: (name: ServerName) => string;
}

const POLL_MS = 100;
const STOP_GRACE_MS = 10_000;
const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export const openStack = ({
  directory: given,
  basePort = DEFAULT_BASE_PORT,
  servers = SERVERS,
  say = () => {},
}: StackOptions): Stack => {
  const directory = resolve(given);
  const addresses = stackAddresses(directory, basePort);
  const context: ServerContext = { directory, basePort, addresses, say };
  const pidFile = (name: ServerName): string => join(directory, 'run', `${name}.json`);
  const logFile = (name: ServerName): string => join(directory, 'logs', `${name}.log`);

  const untilReady = async (name: ServerName): Promise<void> => {
    const server = SERVER_TABLE[name];
    let last: unknown;
    for (const deadline = Date.now() + server.deadlineMs; Date.now() < deadline; await sleep(POLL_MS)) {
      try {
        await server.ready(context);
        return;
      } catch (error) {
        last = error;
      }
      if (runningPid(pidFile(name)) === null) break;
    }
    const state =
      runningPid(pidFile(name)) === null ? 'ended' : `was not ready in ${server.deadlineMs / 1000} s (${messageOf(last)})`;
    throw new MillraceError('MR_STACK_FAILED', `${name} ${state}; the end of its log:\n${lastLines(logFile(name))}`, {
      server: name,
    });
  };

  const isReady = (name: ServerName): Promise<boolean> =>
    SERVER_TABLE[name].ready(context).then(
      () => true,
      () => false,
    );

  const start = async (name: ServerName): Promise<void> => {
    const began = Date.now();
    if (runningPid(pidFile(name)) === null) {
      const port = SERVER_TABLE[name].port(context);
      if (port > 0 && (await isReady(name)))
        throw new MillraceError(
          'MR_STACK_FAILED',
          `port ${port}, which is ${name}'s, is another process's already: stop that one, or choose other ports with --base-port`,
          { server: name, port },
        );
      launch(await SERVER_TABLE[name].launch(context), pidFile(name), logFile(name));
    }
    await untilReady(name);
    say(`${name} is ready (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  };

  const up = async (wanted: readonly ServerName[] = servers): Promise<void> => {
    for (const folder of ['run', 'logs', 'conf', 'warehouse/paimon', 'warehouse/iceberg'])
      mkdirSync(join(directory, folder), { recursive: true });
    writeFileSync(join(directory, 'stack.json'), JSON.stringify({ basePort }));
    const starting = new Map<ServerName, Promise<void>>();
    const begin = (name: ServerName): Promise<void> => {
      const known = starting.get(name);
      if (known !== undefined) return known;
      const before = SERVER_TABLE[name].after.filter((other) => wanted.includes(other)).map(begin);
      const started = Promise.all(before).then(() => start(name));
      starting.set(name, started);
      return started;
    };
    const outcomes = await Promise.allSettled(wanted.map(begin));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  };

  return {
    addresses,
    up,
    start,
    kill: (name, signal = 'SIGKILL') => end(pidFile(name), STOP_GRACE_MS, signal),
    status: () =>
      Promise.all(
        SERVERS.map(async (name): Promise<ServerStatus> => {
          const pid = runningPid(pidFile(name));
          return {
            name,
            version: SERVER_TABLE[name].version,
            state: pid === null ? 'down' : (await isReady(name)) ? 'ready' : 'starting',
            pid,
            port: SERVER_TABLE[name].port(context),
            memoryBytes: pid === null ? null : memoryOf(pid),
            log: logFile(name),
          };
        }),
      ),
    async down() {
      // Who asks goes before who answers.
      const waves: readonly (readonly ServerName[])[] = [
        ['sql-gateway', 'lookup', 'taskmanager'],
        ['jobmanager', 'registry', 'redis', 'mariadb'],
        ['kafka'],
      ];
      for (const wave of waves) await Promise.all(wave.map((name) => end(pidFile(name), STOP_GRACE_MS)));
    },
    logFile,
  };
};
