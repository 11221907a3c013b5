/**
 * Preloaded into a server, in each of its threads: kills the process at one point of a data set's
 * build, once the file `KILL_ARMED` exists. `KILL_AT` is one of:
 *
 * | point | the process ends |
 * |---|---|
 * | `commit N`, `committed N` | before, after the Nth commit of the database |
 * | `stage TEXT` | when the build reports a stage that begins so |
 * | `half` | when some of the output's rows are on the disk |
 * | `hash` | when all rows are written, before the file is read to hash it |
 * | `link`, `linked` | before, after the file gets its name |
 * | `removed` | after the temporary name is removed |
 */
import fs, { existsSync } from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isMainThread, parentPort } from 'node:worker_threads';

const [point = '', ...rest] = (process.env.KILL_AT ?? '').split(' ');
const argument = rest.join(' ');
const armed = process.env.KILL_ARMED ?? '';

/** Does not return. */
const die = (): void => void process.kill(process.pid, 'SIGKILL');
const dieAt = (here: string): void => {
  if (point === here && existsSync(armed)) die();
};

const killAtCommits = (): void => {
  let commits = 0;
  const { prepare } = DatabaseSync.prototype;
  DatabaseSync.prototype.prepare = function prepared(sql, ...more) {
    const statement = prepare.call(this, sql, ...more);
    if (sql !== 'COMMIT') return statement;
    const run = statement.run.bind(statement);
    statement.run = () => {
      const counts = existsSync(armed) && ++commits === Number(argument);
      if (counts && point === 'commit') die();
      const result = run();
      if (counts && point === 'committed') die();
      return result;
    };
    return statement;
  };
};

/** The outputs are beside `armed`; the history has temporary files, too. */
const outputs = dirname(armed);
const isPartial = (path: unknown): boolean =>
  String(path).endsWith('.tmp') && dirname(String(path)) === outputs;

const killAtFiles = (): void => {
  const { createReadStream } = fs;
  const { link, rename, rm } = promises;
  const naming =
    (name: typeof link | typeof rename): typeof rename =>
    async (from, to) => {
      if (isPartial(from)) dieAt('link');
      await name(from, to);
      if (isPartial(from)) dieAt('linked');
    };
  fs.createReadStream = (path, ...options) => {
    if (isPartial(path)) dieAt('hash');
    return createReadStream(path, ...options);
  };
  promises.link = naming(link);
  promises.rename = naming(rename);
  promises.rm = async (path, options) => {
    await rm(path, options);
    if (isPartial(path)) dieAt('removed');
  };
  syncBuiltinESMExports();
};

const killWhileWritten = (): void => {
  const written = (): boolean =>
    fs
      .readdirSync(outputs)
      .map((name) => join(outputs, name))
      .some((path) => isPartial(path) && fs.statSync(path).size > 0);
  setInterval(() => {
    if (written()) dieAt('half');
  }, 1);
};

const killAtStages = (): void => {
  const post = parentPort?.postMessage.bind(parentPort);
  if (parentPort === null || post === undefined) return;
  parentPort.postMessage = (message: { readonly type?: string; readonly stage?: string }) => {
    const { type, stage = '' } = message ?? {};
    if (type === 'progress' && point === 'stage' && stage.startsWith(argument)) dieAt('stage');
    if (type === 'progress' && point === 'half' && stage === 'writing') killWhileWritten();
    post(message);
  };
};

if (isMainThread) killAtCommits();
else {
  killAtFiles();
  killAtStages();
}
