/**
 * Downloads the servers' programs once into a cache: class paths by Maven, Debian's packages by
 * apt. The cache is that of the clone or, for an installed package, of the user. A complete
 * download is renamed into its place, so a killed one leaves nothing that looks complete.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '#domain/errors.ts';
import { type Artifact, CLASSPATHS, PACKAGES, REGISTRY_ARCHIVE, VERSIONS } from './versions.ts';

export type Say = (line: string) => void;

/** the clone, or the folder `lib` of the package */
export const installation = dirname(dirname(import.meta.dirname));
export const cache = join(process.env.MILLRACE_TOOLS ?? join(installation, '.tools'), 'stack');

const failed = (message: string): MillraceError => new MillraceError('MR_STACK_FAILED', message);

const running = new Map<ChildProcess, string>();
const STOP_MS = 5_000;
const POLL_MS = 20;

/**
 * Signals the whole process group, because a command is often a script that runs others.
 * @returns whether any process of the group was still running
 */
const signalGroup = (child: ChildProcess, signal: NodeJS.Signals | 0): boolean => {
  try {
    return child.pid !== undefined && process.kill(-child.pid, signal);
  } catch {
    return false;
  }
};

/**
 * Ends all running commands with their process groups. A package manager is not interrupted,
 * because half an installation is worse than a wait.
 */
export const stopRunning = async (): Promise<void> => {
  const children = [...running]
    .filter(([, command]) => command !== 'apt-get')
    .map(([child]) => child);
  for (const child of children) signalGroup(child, 'SIGTERM');
  for (const deadline = Date.now() + STOP_MS; children.some((child) => signalGroup(child, 0)); ) {
    if (Date.now() > deadline) for (const child of children) signalGroup(child, 'SIGKILL');
    await sleep(POLL_MS);
  }
};

export const run = (command: string, args: readonly string[], cwd: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let output = '';
    const take = (chunk: Buffer): void => {
      output = `${output}${chunk.toString()}`.slice(-20_000);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    running.set(child, command);
    child.once('close', () => running.delete(child));
    child.on('error', (error) =>
      reject(
        failed(`\`${command}\` could not be run (${error.message}): install it and try again`),
      ),
    );
    child.on('exit', (code) =>
      code === 0
        ? resolve(output)
        : reject(
            failed(
              `\`${command} ${args.join(' ').slice(0, 200)}\` ended with ${code}: ${output.trim().slice(-1500)}`,
            ),
          ),
    );
  });

const pomOf = (artifacts: readonly Artifact[]): string =>
  `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>millrace</groupId><artifactId>classpath</artifactId><version>1</version><packaging>pom</packaging><dependencies>${artifacts
    .map(
      ({ group, artifact, version, alone }) =>
        `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version>${
          alone === true
            ? '<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>'
            : ''
        }</dependency>`,
    )
    .join('')}</dependencies></project>\n`;

const fetching = new Map<string, Promise<string>>();

/** Creates a folder by `work`, completely or not at all, and once for all concurrent callers. */
export const once = (
  path: string,
  what: string,
  say: Say,
  work: (folder: string) => Promise<void>,
): Promise<string> => {
  if (existsSync(path)) return Promise.resolve(path);
  const pending =
    fetching.get(path) ?? make(path, what, say, work).finally(() => fetching.delete(path));
  fetching.set(path, pending);
  return pending;
};

const make = async (
  path: string,
  what: string,
  say: Say,
  work: (folder: string) => Promise<void>,
): Promise<string> => {
  say(`downloading ${what}`);
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, '.fetching-'));
  try {
    await work(folder);
    // If two processes downloaded at the same time, the later one keeps the folder of the first.
    if (!existsSync(path)) renameSync(folder, path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return path;
};

export const fetchClasspath = async (
  name: keyof typeof CLASSPATHS,
  version: string,
  say: Say,
): Promise<string> => {
  const home = await once(
    join(cache, `${name}-${version}`),
    `${name} ${version}`,
    say,
    async (folder) => {
      writeFileSync(join(folder, 'pom.xml'), pomOf(CLASSPATHS[name]));
      await run(
        'mvn',
        [
          '-q',
          '-B',
          'dependency:copy-dependencies',
          '-DoutputDirectory=lib',
          '-DincludeScope=runtime',
        ],
        folder,
      );
    },
  );
  return `${join(home, 'lib')}/*`;
};

export const fetchRegistry = async (say: Say): Promise<string> => {
  const home = await once(
    join(cache, `registry-${VERSIONS.apicurio}`),
    `registry ${VERSIONS.apicurio}`,
    say,
    async (folder) => {
      await run(
        'mvn',
        [
          '-q',
          '-B',
          'dependency:copy',
          `-Dartifact=${REGISTRY_ARCHIVE}`,
          `-DoutputDirectory=${folder}`,
        ],
        folder,
      );
      const archive = readdirSync(folder).find((file) => file.endsWith('.tar.gz'));
      await run('tar', ['xzf', archive ?? 'nothing', '--no-same-owner'], folder);
      rmSync(join(folder, archive ?? 'nothing'));
    },
  );
  return join(home, `apicurio-registry-app-${VERSIONS.apicurio}-runner.jar`);
};

const SEARCHED = ['/usr/sbin', '/usr/bin', '/usr/local/bin', '/usr/local/sbin'];
const findCommand = (name: string): string | null =>
  [...(process.env.PATH ?? '').split(':'), ...SEARCHED]
    .map((folder) => join(folder, name))
    .find(existsSync) ?? null;

let installing: Promise<unknown> = Promise.resolve();

/**
 * The path of a server's command. If it is absent, its Debian package is installed, with root's
 * rights only.
 */
export const findServer = async (command: string, say: Say): Promise<string> => {
  const found = findCommand(command);
  if (found !== null) return found;
  const name = PACKAGES[command] ?? command;
  if (process.getuid?.() !== 0 || findCommand('apt-get') === null)
    throw failed(
      `\`${command}\` is not installed: install it (on Debian: apt-get install ${name}) and try again`,
    );
  say(`installing ${name}`);
  const apt = (...args: string[]): Promise<string> =>
    run('apt-get', ['-o', 'DPkg::Lock::Timeout=120', '-q', '-y', ...args], '/');
  installing = installing.then(async () => {
    if (findCommand(command) !== null) return;
    await apt('install', '--no-install-recommends', name).catch(async () => {
      await apt('update');
      await apt('install', '--no-install-recommends', name);
    });
  });
  await installing;
  return (
    findCommand(command) ??
    Promise.reject(failed(`${name} was installed, but there is still no \`${command}\``))
  );
};
