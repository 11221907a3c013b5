/**
 * Finds the Node that the project needs, and everything it depends on. Plain JavaScript for any Node from 18 on: it runs before anything
 * is installed. A newer Node comes from npm as a package that carries the binary and needs no install script.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const WANTED = '24.21.0';
const MAJOR = 24;
const isWindows = process.platform === 'win32';

const say = (line) => process.stderr.write(`${line}\n`);

const npm = (args, cwd) => {
  const done = spawnSync(isWindows ? 'npm.cmd' : 'npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd,
    encoding: 'utf8',
    shell: isWindows,
  });
  if (done.status !== 0) {
    say(`npm ${args.join(' ')} failed:\n${done.stdout ?? ''}${done.stderr ?? done.error?.message ?? ''}`);
    process.exit(1);
  }
};

const privateNode = () =>
  join(
    root,
    '.tools',
    'node_modules',
    `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`,
    'bin',
    isWindows ? 'node.exe' : 'node',
  );

/** The path of a Node that is new enough; fetched once where this one is too old. */
export const findNode = () => {
  if (Number(process.versions.node.split('.')[0]) >= MAJOR) return process.execPath;
  const path = privateNode();
  if (!existsSync(path)) {
    say(`setting up: Node ${process.versions.node} is here and ${MAJOR} is needed; fetching ${WANTED} for this project alone`);
    mkdirSync(join(root, '.tools'), { recursive: true });
    writeFileSync(join(root, '.tools', 'package.json'), '{"private":true}\n');
    npm(
      [
        'install',
        '--no-save',
        '--ignore-scripts',
        `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}@${WANTED}`,
      ],
      join(root, '.tools'),
    );
  }
  return path;
};

const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

const isAlive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
};

/** One set-up at a time: the lock is a file that exactly one process makes; one that a killed set-up left behind is taken over. */
const locked = (work) => {
  const lock = join(root, '.tools', 'setup.lock');
  mkdirSync(dirname(lock), { recursive: true });
  for (let told = false; ; ) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = existsSync(lock) ? Number(readFileSync(lock, 'utf8')) : 0;
    if (holder > 0 && !isAlive(holder)) {
      rmSync(lock, { force: true });
      continue;
    }
    if (!told) say(`setting up: waiting for process ${holder}, which is at it`);
    told = true;
    sleep(200);
  }
  try {
    return work();
  } finally {
    rmSync(lock, { force: true });
  }
};

/** Installs the dependencies that package-lock.json names, where they are not there yet. */
export const installDependencies = () => {
  const stamp = join(root, 'node_modules', '.millrace-stamp');
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const current = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
  if (current()) return;
  locked(() => {
    if (current()) return;
    say('setting up: installing dependencies (once, some 20 seconds)');
    npm(['ci', '--ignore-scripts'], root);
    writeFileSync(stamp, wanted);
  });
};

/** Node's own flags: SQLite is marked experimental; a young generation that fits the cache is faster here, and smaller. */
export const NODE_FLAGS = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=16'];

/** Runs a program of the project with that Node first in the PATH, passes signals on, and ends as it ends. */
export const run = (node, args, options = {}) =>
  new Promise((resolve) => {
    // Types are stripped once, not at every start.
    const cache = process.env.NODE_COMPILE_CACHE ?? join(root, '.tools', 'compile-cache');
    const env = {
      ...process.env,
      NODE_COMPILE_CACHE: cache,
      ...options.env,
      PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`,
    };
    const child = spawn(node, args, { cwd: options.cwd ?? process.cwd(), stdio: 'inherit', env });
    const pass = (signal) => child.kill(signal);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, pass);
    child.on('error', (error) => {
      say(error.message);
      resolve(1);
    });
    child.on('exit', (code, signal) => {
      for (const s of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(s, pass);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 1));
    });
  });
