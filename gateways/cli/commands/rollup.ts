import { type Command, Option } from 'commander';
import type { RollupResult } from '#domain/api/datasets.ts';
import { formatTime } from '#domain/values/time.ts';
import { contextOf } from '../context.ts';

interface RollupOptions {
  readonly every: 'day' | 'hour';
  readonly from?: string;
  readonly to?: string;
  readonly features?: readonly string[];
}

const rollup = async (
  view: string,
  { every, from, to, features }: RollupOptions,
  command: Command,
): Promise<void> => {
  const { client, json, document, print } = contextOf(command);
  const result = await client.post<RollupResult>('/v1/rollups', {
    body: { view, every, from, to, features },
  });
  if (json) document(result);
  else
    print(
      `${result.rows} rows of ${result.features.length} features, ${formatTime(result.from)} to ${formatTime(result.to)}, in ${result.table}`,
    );
};

export const addRollup = (program: Command): void => {
  program
    .command('rollup')
    .description('write a view’s values at the end of each period to a table, one row per entity')
    .argument('<view>', 'a feature view')
    .addOption(new Option('--every <period>', 'the period').choices(['day', 'hour']).default('day'))
    .option('--from <time>', 'a time in the first period; default: the last complete one')
    .option('--to <time>', 'the end of the last period; default: the end of the last complete one')
    .option('--features <name...>', 'only these features')
    .addHelpText(
      'after',
      '\nWhole UTC days are written; a day that is written again is replaced.\n\nExample:\n  millrace rollup airport_delays --every day --from 2026-01-01T00:00:00Z --to 2026-02-01T00:00:00Z',
    )
    .action(rollup);
};
