/** `--limit NAME=VALUE`: the gateways' limits, each with its default. */
import { Option } from 'commander';
import { DEFAULT_LIMITS, type GatewayLimits } from '#gateways/shared/limits.ts';
import { pairsOf, UsageError, wholeOption } from './usage.ts';

const NAMES = Object.keys(DEFAULT_LIMITS) as (keyof GatewayLimits)[];

export const limitsOf = (texts: readonly string[]): Partial<GatewayLimits> =>
  Object.fromEntries(
    pairsOf('--limit', texts).map(([name, value]) => {
      if (!(name in DEFAULT_LIMITS))
        throw new UsageError(
          `there is no limit ${JSON.stringify(name)}; there are ${NAMES.join(', ')}`,
        );
      return [name, wholeOption(`--limit ${name}`, 1)(value)];
    }),
  );

export const limitOption = (): Option =>
  new Option(
    '--limit <name=value>',
    `a limit of the gateways: ${NAMES.join(', ')}; may be given again`,
  )
    .argParser((text: string, before: readonly string[]) => [...before, text])
    .default([], 'the defaults');
