/**
 * Finds the Node that the project needs and installs the dependencies. It runs before anything is
 * installed, so it is plain JavaScript for Node 18 and later. A newer Node comes from npm, as a
 * package that has the binary and needs no install script.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isAlive, whenNpmIsGone } from './npm-parent.mjs';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const WANTED = '24.21.0';
const MAJOR = 24;
const isWindows = process.platform === 'win32';

/** The sources are in a clone only. Elsewhere this is the package, with built JavaScript. */
export const isClone = existsSync(join(root, 'gateways'));

/** The user's folder for what can be fetched again; all projects of the user share it. */
const userCache = () => {
  if (isWindows) return process.env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches');
  return process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
};

/** What is fetched or built once: Node, compiled code, the servers of the stack profile. */
const tools =
  process.env.MILLRACE_TOOLS || (isClone ? join(root, '.tools') : join(userCache(), 'millrace'));
/** Packages of different versions share `tools` and may need different Nodes. */
const nodeHome = isClone ? tools : join(tools, `node-${WANTED}`);

const say = (line) => process.stderr.write(`${line}\n`);

const npm = (args, cwd) => {
  const done = spawnSync(
    isWindows ? 'npm.cmd' : 'npm',
    [...args, '--no-audit', '--no-fund', '--loglevel=error'],
    {
      cwd,
      encoding: 'utf8',
      shell: isWindows,
    },
  );
  if (done.status !== 0) {
    say(
      `npm ${args.join(' ')} failed:\n${done.stdout ?? ''}${done.stderr ?? done.error?.message ?? ''}`,
    );
    process.exit(1);
  }
};

const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

/** The process id in a lock file; null where the file does not exist. */
const holderOf = (lock) => {
  try {
    return Number(readFileSync(lock, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
};

/**
 * Runs `work` while no other set-up runs. The lock is a file with its holder's process id; a hard
 * link creates it, so only one process succeeds. A lock that a killed set-up left is renamed away
 * first. If another process has renewed the lock meanwhile, it is put back.
 */
const locked = (work) => {
  const lock = join(tools, 'setup.lock');
  const mine = `${lock}.${process.pid}`;
  mkdirSync(tools, { recursive: true });
  writeFileSync(mine, String(process.pid));
  try {
    for (let reported = false; ; ) {
      try {
        linkSync(mine, lock);
        break;
      } catch (error) {
        if (error.code !== 'EEXIST') throw error;
      }
      const holder = holderOf(lock);
      if (holder === null) continue;
      if (!isAlive(holder)) {
        takeAway(lock, holder);
        continue;
      }
      if (!reported)
        say(`setting up: waiting for process ${holder}, which is setting up too (${lock})`);
      reported = true;
      sleep(200);
    }
    try {
      return work();
    } finally {
      rmSync(lock, { force: true });
    }
  } finally {
    rmSync(mine, { force: true });
  }
};

const takeAway = (lock, holder) => {
  const aside = `${lock}.${process.pid}.aside`;
  try {
    renameSync(lock, aside);
    if (holderOf(aside) !== holder) linkSync(aside, lock);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  }
  rmSync(aside, { force: true });
};

const nodePackage = `node-${isWindows ? 'win' : process.platform}-${process.arch}`;
const privateNode = join(
  nodeHome,
  'node_modules',
  nodePackage,
  'bin',
  isWindows ? 'node.exe' : 'node',
);

const hasPrivateNode = () => {
  if (!existsSync(privateNode)) return false;
  return (
    JSON.parse(readFileSync(join(nodeHome, 'node_modules', nodePackage, 'package.json'), 'utf8'))
      .version === WANTED
  );
};

/** The path of a Node that is new enough. It is downloaded once, if the current Node is too old. */
export const findNode = () => {
  if (Number(process.versions.node.split('.')[0]) >= MAJOR) return process.execPath;
  if (hasPrivateNode()) return privateNode;
  return locked(() => {
    if (hasPrivateNode()) return privateNode;
    say(
      `setting up: this is Node ${process.versions.node}, and Millrace needs ${MAJOR}: downloading ${WANTED} into ${nodeHome}`,
    );
    // The download goes to a staging folder and is renamed into place, so a killed set-up leaves no
    // incomplete Node.
    const staging = join(tools, 'staging');
    rmSync(staging, { recursive: true, force: true });
    mkdirSync(staging, { recursive: true });
    writeFileSync(join(staging, 'package.json'), '{"private":true}\n');
    npm(
      ['install', '--no-save', '--ignore-scripts', '--no-dry-run', `${nodePackage}@${WANTED}`],
      staging,
    );
    rmSync(join(nodeHome, 'node_modules'), { recursive: true, force: true });
    mkdirSync(nodeHome, { recursive: true });
    renameSync(join(staging, 'node_modules'), join(nodeHome, 'node_modules'));
    rmSync(staging, { recursive: true, force: true });
    return privateNode;
  });
};

/**
 * Installs the dependencies of package-lock.json, unless they are installed already. Those of the
 * package were installed with it.
 */
export const installDependencies = () => {
  if (!isClone) return;
  const stamp = join(root, 'node_modules', '.millrace-stamp');
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const current = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
  if (current()) return;
  locked(() => {
    if (current()) return;
    say('setting up: installing the dependencies (once, about 20 s)');
    npm(['ci', '--ignore-scripts', '--no-dry-run'], root);
    writeFileSync(stamp, wanted);
  });
};

/**
 * No warning that SQLite is experimental. A young generation that fits the processor's cache is
 * faster here, and uses less memory.
 */
export const NODE_FLAGS = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=16'];

/**
 * Runs a program with this Node first in the PATH, and passes signals on to it. Resolves to its
 * exit status.
 *
 * `options.tied`: the program gets a channel, whose end tells it that this process is gone, however
 * it ended; and it is stopped when the npm that started this process is gone.
 */
export const run = (node, args, options = {}) =>
  new Promise((resolve) => {
    // The compile cache: types are stripped once, not at every start.
    const cache = process.env.NODE_COMPILE_CACHE ?? join(tools, 'compile-cache');
    const env = {
      ...process.env,
      NODE_COMPILE_CACHE: cache,
      MILLRACE_TOOLS: tools,
      ...options.env,
      PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`,
    };
    const stdio = ['inherit', 'inherit', 'inherit', ...(options.tied ? ['ipc'] : [])];
    const child = spawn(node, args, { cwd: options.cwd ?? process.cwd(), stdio, env });
    const pass = (signal) => child.kill(signal);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, pass);
    const unwatch = options.tied ? whenNpmIsGone(() => pass('SIGTERM')) : () => {};
    child.on('error', (error) => {
      say(error.message);
      resolve(1);
    });
    child.on('exit', (code, signal) => {
      unwatch();
      for (const s of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(s, pass);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 1));
    });
  });
