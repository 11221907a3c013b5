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
    .description(
      'write a view’s values at the end of each period to a table, one row per entity and period (stack profile)',
    )
    .argument('<view>', 'name of the view')
    .addOption(
      new Option('--every <period>', 'length of a period').choices(['day', 'hour']).default('day'),
    )
    .option(
      '--from <time>',
      'start of the range, rounded down to a whole UTC day; default: the last complete period',
    )
    .option(
      '--to <time>',
      'end of the range, rounded up to a whole UTC day; default and limit: the end of the last complete period',
    )
    .option(
      '--features <name...>',
      'write only these features; default: all, which must have a window',
    )
    .addHelpText(
      'after',
      '\nThe server must run with the stack profile. A day that is written again is replaced.\n\nExample:\n  millrace rollup route_delays --every day --from 2026-01-01T00:00:00Z --to 2026-02-01T00:00:00Z',
    )
    .action(rollup);
};
