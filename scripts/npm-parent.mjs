/**
 * Notices that the npm (or npx) that started this process is gone. npm starts a package's program
 * through a shell. A signal that ends npm, or that npm passes on, ends at most that shell: the
 * program would run on, without anybody who knows of it.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const POLL_MS = 250;

export const isAlive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
};

/** The parent of a process and its command line; null where the system does not tell. */
const lookUp = (pid) => {
  try {
    // The name in brackets may have any characters; state and parent come after it.
    const [, parent] = /.*\) \S+ (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return { parent: Number(parent), command };
  } catch {
    // not Linux
  }
  const { status, stdout } = spawnSync('ps', ['-o', 'ppid=,args=', '-p', String(pid)], {
    encoding: 'utf8',
  });
  const match = status === 0 ? /^\s*(\d+)\s+(.*)/.exec(stdout) : null;
  return match === null ? null : { parent: Number(match[1]), command: match[2] };
};

/** npm gives its process a title of this form. */
const isNpm = (command) => /^(npm|npx)\b|[/\\](npm|npx)(-cli\.js)?(\s|$)/.test(command);

/** The npm that started this process, and the shell between the two, as process ids. */
const npmAncestors = () => {
  // A script that ends with `&` starts something that shall outlive it.
  const script = process.env.npm_lifecycle_script;
  if (script === undefined || /(^|[^&])&\s*($|[^&])/.test(script)) return [];
  const first = lookUp(process.ppid);
  if (first === null) return [];
  if (isNpm(first.command)) return [process.ppid];
  const second = lookUp(first.parent);
  return second !== null && isNpm(second.command) ? [process.ppid, first.parent] : [];
};

/** @returns ends the watch */
export const whenNpmIsGone = (callback) => {
  const watched = npmAncestors();
  if (watched.length === 0) return () => {};
  const [parent] = watched;
  const timer = setInterval(() => {
    if (process.ppid === parent && watched.every(isAlive)) return;
    clearInterval(timer);
    callback();
  }, POLL_MS);
  timer.unref();
  return () => clearInterval(timer);
};
