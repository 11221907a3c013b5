/**
 * Runs the stack's servers on this machine, as ordinary processes on loopback. Each server starts
 * after those that it needs, otherwise all start at the same time, and `up` waits until each is
 * ready. A later process can find and stop them.
 */

import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '#domain/error-message.ts';
import { MillraceError } from '#domain/errors.ts';
import { durationText } from '#domain/values/duration.ts';
import { DEFAULT_BASE_PORT, type StackAddresses, stackAddresses } from './addresses.ts';
import { type Say, stopRunning } from './fetch.ts';
import { lockStack } from './lock.ts';
import { assertFree } from './ports.ts';
import { makePrivateDirectory, privately } from './private-files.ts';
import { end, lastLines, launch, memoryOf, runningPid, writeWhole } from './process.ts';
import type { Server, ServerContext } from './server.ts';
import { SERVER_TABLE } from './servers.ts';
import { SERVERS, type ServerName } from './versions.ts';

export interface StackOptions {
  readonly directory: string;
  readonly basePort?: number;
  readonly servers?: readonly ServerName[];
  readonly say?: Say;
  /** whether the caller holds the lock of the directory; default false */
  readonly isLocked?: boolean;
  /** the implementation of each server; tests of the runner replace it */
  readonly table?: Readonly<Record<ServerName, Server>>;
}

export interface ServerStatus {
  readonly name: ServerName;
  readonly version: string;
  readonly state: 'ready' | 'starting' | 'down';
  readonly pid: number | null;
  /** 0: the server has no port of its own */
  readonly port: number;
  readonly memoryBytes: number | null;
  readonly log: string;
}

export interface Stack {
  readonly addresses: StackAddresses;
  /**
   * Starts the servers that do not run; resolves when all are ready. If it is interrupted, it stops
   * the servers that it started, and rejects.
   */
  readonly up: (servers?: readonly ServerName[], interrupted?: AbortSignal) => Promise<void>;
  readonly start: (name: ServerName) => Promise<void>;
  /** @param graceMs after it, the server is killed; default 10 s */
  readonly kill: (name: ServerName, signal?: NodeJS.Signals, graceMs?: number) => Promise<void>;
  readonly status: () => Promise<readonly ServerStatus[]>;
  /**
   * Stops all servers of this directory, after interrupting a running `up` of this object.
   */
  readonly down: () => Promise<void>;
  readonly logFile: (name: ServerName) => string;
}

/** The order of stopping: clients before their servers. */
const WAVES: readonly (readonly ServerName[])[] = [
  ['sql-gateway', 'lookup', 'taskmanager'],
  ['jobmanager', 'registry', 'redis', 'mariadb'],
  ['kafka'],
];
const POLL_MS = 100;
const STOP_GRACE_MS = 10_000;

export const openStack = ({
  directory: given,
  basePort = DEFAULT_BASE_PORT,
  servers = SERVERS,
  say = () => {},
  isLocked = false,
  table = SERVER_TABLE,
}: StackOptions): Stack => {
  const directory = resolve(given);
  const addresses = stackAddresses(directory, basePort);
  const context: ServerContext = { directory, basePort, addresses, say };
  const pidFile = (name: ServerName): string => join(directory, 'run', `${name}.json`);
  const logFile = (name: ServerName): string => join(directory, 'logs', `${name}.log`);

  const stopAll = async (names: readonly ServerName[]): Promise<void> => {
    for (const wave of WAVES)
      await Promise.all(
        wave
          .filter((name) => names.includes(name))
          .map((name) => end(pidFile(name), STOP_GRACE_MS)),
      );
  };

  const untilReady = async (name: ServerName, interrupted?: AbortSignal): Promise<void> => {
    const server = table[name];
    let last: unknown;
    for (
      const deadline = Date.now() + server.deadlineMs;
      Date.now() < deadline;
      await sleep(POLL_MS)
    ) {
      interrupted?.throwIfAborted();
      try {
        await server.ready(context);
        return;
      } catch (error) {
        last = error;
      }
      if (runningPid(pidFile(name)) === null) break;
    }
    interrupted?.throwIfAborted();
    const state =
      runningPid(pidFile(name)) === null
        ? 'ended'
        : `was not ready in ${durationText(server.deadlineMs)} (${messageOf(last)})`;
    throw new MillraceError(
      'MR_STACK_FAILED',
      `${name} ${state}; the end of its log:\n${lastLines(logFile(name))}`,
      {
        server: name,
      },
    );
  };

  const isReady = (name: ServerName): Promise<boolean> =>
    table[name].ready(context).then(
      () => true,
      () => false,
    );

  const assertPorts = async (name: ServerName): Promise<void> => {
    const { port, otherPorts } = table[name];
    const ports = [port(context), ...(otherPorts?.(context) ?? [])].filter((one) => one > 0);
    if (runningPid(pidFile(name)) === null) await assertFree(name, ports);
  };

  /** @param begun gets the name of a server that this call has started */
  const start = async (
    name: ServerName,
    interrupted?: AbortSignal,
    begun?: Set<ServerName>,
  ): Promise<void> => {
    const began = Date.now();
    if (runningPid(pidFile(name)) === null) {
      await assertPorts(name);
      interrupted?.throwIfAborted();
      const prepared = await table[name].launch(context);
      interrupted?.throwIfAborted();
      begun?.add(name);
      privately(() => launch(prepared, pidFile(name), logFile(name)));
    }
    await untilReady(name, interrupted);
    say(`${name} is ready (${durationText(Date.now() - began)})`);
  };

  /**
   * The servers of a directory share one base port. With another one, running servers would not be
   * found.
   */
  const keepBasePort = (): void => {
    const file = join(directory, 'stack.json');
    const recorded = existsSync(file)
      ? (JSON.parse(readFileSync(file, 'utf8')) as { basePort: number }).basePort
      : basePort;
    if (recorded !== basePort && SERVERS.some((name) => runningPid(pidFile(name)) !== null))
      throw new MillraceError(
        'MR_STACK_FAILED',
        `the servers in ${directory} run at base port ${recorded}, not ${basePort}: stop them first with \`millrace stack down\``,
        { known: recorded, basePort },
      );
    writeWhole(file, JSON.stringify({ basePort }));
  };

  const upUntil = async (
    wanted: readonly ServerName[],
    interrupted: AbortSignal,
  ): Promise<void> => {
    makePrivateDirectory(directory);
    const release = isLocked ? () => {} : privately(() => lockStack(directory, 'stack up'));
    const begun = new Set<ServerName>();
    let preparations: Promise<void> = Promise.resolve();
    const stopPreparing = (): void => {
      preparations = stopRunning();
    };
    interrupted.addEventListener('abort', stopPreparing, { once: true });
    try {
      for (const folder of ['logs', 'conf', 'warehouse/paimon', 'warehouse/iceberg'])
        privately(() => mkdirSync(join(directory, folder), { recursive: true }));
      keepBasePort();
      // All ports are checked before any server starts.
      for (const name of wanted) await assertPorts(name);
      const starting = new Map<ServerName, Promise<void>>();
      const begin = (name: ServerName): Promise<void> => {
        const running = starting.get(name);
        if (running !== undefined) return running;
        const before = table[name].after.filter((other) => wanted.includes(other)).map(begin);
        const started = Promise.all(before).then(() => start(name, interrupted, begun));
        starting.set(name, started);
        return started;
      };
      const outcomes = await Promise.allSettled(wanted.map(begin));
      if (interrupted.aborted) {
        await Promise.all([preparations, stopAll([...begun])]);
        throw new MillraceError(
          'MR_STACK_FAILED',
          'the start was interrupted; the servers that it had started are stopped again',
          {
            stopped: [...begun],
          },
        );
      }
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    } finally {
      interrupted.removeEventListener('abort', stopPreparing);
      release();
    }
  };

  let under: { readonly abort: AbortController; readonly done: Promise<unknown> } | null = null;
  const up = async (
    wanted: readonly ServerName[] = servers,
    interrupted?: AbortSignal,
  ): Promise<void> => {
    const abort = new AbortController();
    const either =
      interrupted === undefined ? abort.signal : AbortSignal.any([abort.signal, interrupted]);
    const done = upUntil(wanted, either);
    const mine = { abort, done: done.catch(() => {}) };
    under = mine;
    try {
      await done;
    } finally {
      if (under === mine) under = null;
    }
  };

  return {
    addresses,
    up,
    start: (name) => start(name),
    kill: (name, signal = 'SIGKILL', graceMs = STOP_GRACE_MS) =>
      end(pidFile(name), graceMs, signal),
    status: () =>
      Promise.all(
        SERVERS.map(async (name): Promise<ServerStatus> => {
          const pid = runningPid(pidFile(name));
          return {
            name,
            version: table[name].version,
            state: pid === null ? 'down' : (await isReady(name)) ? 'ready' : 'starting',
            pid,
            port: table[name].port(context),
            memoryBytes: pid === null ? null : memoryOf(pid),
            log: logFile(name),
          };
        }),
      ),
    async down() {
      under?.abort.abort();
      await under?.done;
      if (!existsSync(join(directory, 'run'))) return;
      const release = isLocked ? () => {} : lockStack(directory, 'stack down');
      try {
        await stopAll(SERVERS);
      } finally {
        release();
      }
    },
    logFile,
  };
};
