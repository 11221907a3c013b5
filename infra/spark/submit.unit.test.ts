/** The process of a job: its reports, failures and ends. A script is in Spark's place. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { type Submission, submit } from './submit.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-submit-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let made = 0;
/** @param lines of a shell script, which gets the arguments of spark-submit */
const submissionOf = (...lines: readonly string[]): Submission => {
  const command = join(directory, `submit-${made++}`);
  writeFileSync(command, ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });
  return {
    command,
    conf: { 'spark.master': 'local[*]' },
    jar: 'the.jar',
    mainClass: 'Main',
    args: ['job.json'],
    cwd: directory,
  };
};

/** One that nobody waits for is there after its end. */
const isRunning = (pid: number): boolean => {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

const never = new AbortController().signal;
const untilExists = async (file: string): Promise<void> => {
  while (!existsSync(file)) await sleep(5);
};

test('a job has its arguments, and what it prints as JSON is reported', async () => {
  const reports: unknown[] = [];
  const submission = submissionOf(
    `echo "$@" > arguments`,
    `echo 'a line of a log'`,
    `echo '{not JSON'`,
    `echo '{"join":0,"done":1,"of":2}'`,
  );
  await submit(submission, never, (report) => reports.push(report));
  expect(reports).toEqual([{ join: 0, done: 1, of: 2 }]);
  expect(readFileSync(join(directory, 'arguments'), 'utf8')).toBe(
    '--conf spark.master=local[*] --class Main the.jar job.json\n',
  );
});

test('the cause of a failure is in the message', async () => {
  const said = submissionOf(`echo '{"error":"IllegalArgumentException: no such thing"}'`, 'exit 1');
  await expect(submit(said, never, () => {})).rejects.toMatchObject({
    code: 'MR_ENGINE_FAILED',
    message: 'the job on Spark failed: IllegalArgumentException: no such thing',
  });
  const logged = submissionOf(
    `echo 'Exception in thread "main" java.lang.OutOfMemoryError: Java heap space' >&2`,
    `echo '	at Main' >&2`,
    'exit 52',
  );
  await expect(submit(logged, never, () => {})).rejects.toMatchObject({
    code: 'MR_ENGINE_FAILED',
    message: expect.stringContaining('Java heap space'),
    details: { status: 52 },
  });
});

test('a Spark that is not installed is named, with what to do', async () => {
  const absent = { ...submissionOf(), command: join(directory, 'absent') };
  await expect(submit(absent, never, () => {})).rejects.toMatchObject({
    code: 'MR_ENGINE_UNAVAILABLE',
    message: expect.stringContaining('--spark-submit'),
  });
});

test('a cancelled job ends with all its processes', async () => {
  const cancel = new AbortController();
  const started = join(directory, 'started');
  const submission = submissionOf('sleep 600 &', `echo $! > started`, 'wait');
  const run = submit(submission, cancel.signal, () => {});
  await untilExists(started);
  while (readFileSync(started, 'utf8') === '') await sleep(5);
  const child = Number(readFileSync(started, 'utf8'));
  const reason = new Error('cancelled');
  cancel.abort(reason);
  await expect(run).rejects.toBe(reason);
  expect(isRunning(child)).toBe(false);
});

test('the input of a job ends when the process that started it is killed', async () => {
  const submission = submissionOf('echo > running', 'cat', 'echo > ended');
  const code = `const { submit } = await import(${JSON.stringify(join(import.meta.dirname, 'submit.ts'))});
    await submit(${JSON.stringify(submission)}, new AbortController().signal, () => {});`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'ignore' });
  await untilExists(join(directory, 'running'));
  parent.kill('SIGKILL');
  await untilExists(join(directory, 'ended'));
});
