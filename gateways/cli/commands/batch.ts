import { resolve } from 'node:path';
import type { Command } from 'commander';
import { findTarget, targetOf } from '../catalog.ts';
import { contextOf } from '../context.ts';
import { tableExtension } from '../dataset-build.ts';
import { WITH_STATUS } from './dataset.ts';

const batch = async (
  name: string,
  options: {
    readonly out: string;
    readonly at?: string;
    readonly overwrite?: boolean;
    readonly withStatus?: boolean;
  },
  command: Command,
): Promise<void> => {
  const { client, json, document, print } = contextOf(command);
  tableExtension('--out', options.out);
  const body = {
    ...targetOf(await findTarget(client, name)),
    out: resolve(options.out),
    at: options.at,
    withStatus: options.withStatus,
    overwrite: options.overwrite,
  };
  const result = await client.post<{ rows: number; out: string }>('/v1/batch', { body });
  if (json) document(result);
  else print(`${result.rows} entities written to ${result.out}`);
};

export const addBatch = (program: Command): void => {
  program
    .command('batch')
    .description('write the values of every entity, for batch scoring')
    .argument('<name>', 'a feature service or a feature view')
    .requiredOption('--out <file>', 'Parquet or CSV file to write, on the machine of the server')
    .option('--overwrite', 'replace the file of --out if it exists')
    .option('--at <time>', 'compute the values as of this event time; default: now')
    .option(...WITH_STATUS)
    .addHelpText(
      'after',
      '\nA service whose on-demand features read request inputs cannot be batched: make a data set,\nwith the inputs in its spine (`millrace dataset`).\n\nExample:\n  millrace batch airport_delays --out scores.parquet',
    )
    .action(batch);
};
