import { type Command, Option } from 'commander';
import type { RollupResult } from '#domain/api/datasets.ts';
import { formatTime } from '#domain/values/time.ts';
import { contextOf } from '../context.ts';

interface RollupOptions {
  readonly every: 'day' | 'hour';
  readonly from?: string;
  readonly to?: string;
  readonly features?: readonly string[];
  readonly again?: boolean;
}

const rollup = async (
  view: string,
  { every, from, to, features, again }: RollupOptions,
  command: Command,
): Promise<void> => {
  const { client, json, document, print } = contextOf(command);
  const result = await client.post<RollupResult>('/v1/rollups', {
    body: { view, every, from, to, features, again },
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
      'write a view’s values at the end of each period to a table, one row per entity and period',
    )
    .argument('<view>', 'name of the view')
    .addOption(
      new Option('--every <period>', 'length of a period').choices(['day', 'hour']).default('day'),
    )
    .option(
      '--from <time>',
      'start of the range, rounded down to a whole UTC day; default: where the table ends, or the last complete period',
    )
    .option(
      '--to <time>',
      'end of the range, rounded up to a whole UTC day; default and limit: the end of the last complete period',
    )
    .option(
      '--features <name...>',
      'write only these features (stack profile); default: all, which must have a window there',
    )
    .option(
      '--again',
      'write periods that the table has once more, too; the stack profile always does',
    )
    .addHelpText(
      'after',
      '\nA period is written when it is final: when events of after it have arrived, and events of it are late.\n\nExamples:\n  millrace rollup route_delays\n  millrace rollup route_delays --every day --from 2026-01-01T00:00:00Z --to 2026-02-01T00:00:00Z',
    )
    .action(rollup);
};
