/**
 * Runs an application of Spark with `spark-submit`, and reads what it reports: lines of JSON on its
 * standard output. It ends with this process: it watches its standard input, which closes then.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '#domain/errors.ts';

export interface Submission {
  /** `spark-submit`, or its path */
  readonly command: string;
  /** of Spark, by name */
  readonly conf: Readonly<Record<string, string>>;
  readonly jar: string;
  readonly mainClass: string;
  readonly args: readonly string[];
  readonly cwd: string;
}

const STOP_MS = 5_000;
const POLL_MS = 20;
const KEPT = 8_000;

/** @returns whether any process of the group was still running */
const signalGroup = (child: ChildProcess, signal: NodeJS.Signals | 0): boolean => {
  try {
    return child.pid !== undefined && process.kill(-child.pid, signal);
  } catch {
    return false;
  }
};

const stop = async (child: ChildProcess): Promise<void> => {
  const started = Date.now();
  signalGroup(child, 'SIGTERM');
  // Those that nobody waits for stay in the group after their end.
  while (signalGroup(child, 0) && Date.now() < started + 2 * STOP_MS) {
    await sleep(POLL_MS);
    if (Date.now() > started + STOP_MS) signalGroup(child, 'SIGKILL');
    else if (child.exitCode !== null || child.signalCode !== null) signalGroup(child, 'SIGKILL');
  }
};

/** The last cause that the log names, or its last line. */
const causeOf = (log: string): string => {
  const lines = log.split('\n').filter((line) => line.trim() !== '');
  return (
    lines.findLast((line) => /^(Caused by|Exception in|java\.|org\.)/.test(line)) ??
    lines.at(-1) ??
    'it said nothing'
  ).trim();
};

/** null: the line is no report, but what Spark or a user's setting prints */
const reportOf = (line: string): Readonly<Record<string, unknown>> | null => {
  if (!line.startsWith('{')) return null;
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    return null;
  }
};

/** Millrace's own settings, which may be secrets, are not for Spark. */
const environment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MILLRACE_')));

const commandLine = ({ conf, jar, mainClass, args }: Submission): readonly string[] => [
  ...Object.entries(conf).flatMap(([name, value]) => ['--conf', `${name}=${value}`]),
  '--class',
  mainClass,
  jar,
  ...args,
];

/**
 * Resolves when the application has ended well.
 * @param onReport called with each line of its output that is JSON
 * @throws MR_ENGINE_UNAVAILABLE where there is no Spark, MR_ENGINE_FAILED; the signal's reason
 */
export const submit = async (
  submission: Submission,
  signal: AbortSignal,
  onReport: (report: Readonly<Record<string, unknown>>) => void,
): Promise<void> => {
  signal.throwIfAborted();
  const { command, cwd } = submission;
  const child = spawn(command, commandLine(submission), {
    cwd,
    detached: true,
    env: environment(),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // A child that could not be started has no end of the pipe.
  child.stdin.on('error', () => {});
  let log = '';
  let failure: string | null = null;
  child.stderr.on('data', (piece: Buffer) => {
    log = `${log}${piece.toString()}`.slice(-KEPT);
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const report = reportOf(line);
    if (report === null) return;
    if (typeof report.error === 'string') failure = report.error;
    else onReport(report);
  });
  const ended = new Promise<number | null>((done, failed) => {
    child.once('error', failed);
    child.once('close', done);
  });
  let stopping: Promise<void> = Promise.resolve();
  const cancel = (): void => {
    stopping = stop(child);
  };
  signal.addEventListener('abort', cancel, { once: true });
  try {
    const code = await ended;
    signal.throwIfAborted();
    if (code !== 0 || failure !== null)
      throw new MillraceError(
        'MR_ENGINE_FAILED',
        `the job on Spark failed: ${failure ?? causeOf(log)}`,
        { engine: 'spark', status: code },
      );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall?.startsWith('spawn') !== true) throw error;
    throw new MillraceError(
      'MR_ENGINE_UNAVAILABLE',
      `"${command}" could not be run (${(error as Error).message}): install Spark, such as PyPI's pyspark, and name its spark-submit with --spark-submit`,
      { engine: 'spark', command },
    );
  } finally {
    signal.removeEventListener('abort', cancel);
    await stopping;
  }
};
