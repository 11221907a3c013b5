/**
 * One run of `bench/files.ts`, with the code of a clone: CLONE PATH DIRECTORY URL. Sends the CPU
 * time of the whole process, with its threads, to its parent.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type FilePath, fileOf, ROW_SOURCE, ROW_TARGET } from './row-files.ts';

const [clone = '', path = '', directory = '', url = ''] = process.argv.slice(2);
const { file, out } = fileOf(directory, path as FilePath);
const load = (module: string): Promise<Record<string, (...args: never[]) => Promise<unknown>>> =>
  import(pathToFileURL(join(clone, module)).href);

const publish = async (): Promise<void> => {
  const { runProgram } = await load('gateways/cli/run-program.ts');
  const args = ['--url', url, 'publish', ROW_SOURCE.name, file, '--producer', 'bench'];
  const status = await (runProgram as (args: readonly string[]) => Promise<unknown>)(args);
  if (status !== 0) throw new Error(`publish ended with ${status}`);
};

const dataSet = async (): Promise<void> => {
  const { runTrainingSet } = await load('infra/training-sets/run-training-set.ts');
  await (runTrainingSet as (job: unknown) => Promise<unknown>)({
    target: ROW_TARGET,
    spine: { file },
    out,
    mode: 'event-time',
    sources: { [ROW_SOURCE.name]: { files: [], below: [] } },
  });
};

const before = process.cpuUsage();
await (path.startsWith('publish') ? publish() : dataSet());
const { user, system } = process.cpuUsage(before);
const peakMiB = process.resourceUsage().maxRSS / 1024;
process.send?.({ cpuSeconds: (user + system) / 1e6, peakMiB }, () => process.exit());
