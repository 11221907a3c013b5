/**
 * The command line in tests: as a process of its own, or in the test's process, which is much
 * faster. In process, one run follows the other, because a run replaces the process's streams and
 * environment.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { runProgram } from '#gateways/cli/run-program.ts';

export const MAIN = fileURLToPath(new URL('../../gateways/cli/main.ts', import.meta.url));

export interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** @param input what the process reads from stdin */
export const runProcess = (
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  input = '',
): Promise<Ran> =>
  new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', MAIN, ...args],
      {
        env: { ...process.env, ...env },
      },
    );
    let out = '';
    let err = '';
    child.stdout.on('data', (data) => {
      out += data;
    });
    child.stderr.on('data', (data) => {
      err += data;
    });
    child.on('close', (status) => resolve({ status, out, err }));
    child.stdin.end(input);
  });

/** Sends what is written to the stream to `take`. @returns restores the stream */
const divert = (stream: NodeJS.WriteStream, take: (text: string) => void): (() => void) => {
  const { write } = stream;
  stream.write = (chunk: Uint8Array | string) => {
    take(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
    return true;
  };
  return () => {
    stream.write = write;
  };
};

const runOne = async (args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ran> => {
  const before = { env: process.env, exitCode: process.exitCode };
  let out = '';
  let err = '';
  const putBack = [
    divert(process.stdout, (text) => {
      out += text;
    }),
    divert(process.stderr, (text) => {
      err += text;
    }),
  ];
  process.env = { ...before.env, ...env };
  process.exitCode = undefined;
  try {
    const status = await runProgram(args);
    return { status, out, err };
  } finally {
    process.env = before.env;
    process.exitCode = before.exitCode;
    for (const back of putBack) back();
  }
};

let last: Promise<unknown> = Promise.resolve();

/** Not for commands that read stdin, serve, or load definition modules. */
export const runInProcess = (
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Ran> => {
  const ran = last.then(() => runOne(args, env));
  last = ran.catch(() => undefined);
  return ran;
};
