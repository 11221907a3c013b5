/** The option `--limit NAME=VALUE`, for the limits of the gateways. */
import { Option } from 'commander';
import { DEFAULT_LIMITS, type GatewayLimits } from '#gateways/shared/limits.ts';
import { pairsOf, UsageError, wholeOption } from './usage.ts';

const NAMES = Object.keys(DEFAULT_LIMITS) as (keyof GatewayLimits)[];

export const limitsOf = (texts: readonly string[]): Partial<GatewayLimits> =>
  Object.fromEntries(
    pairsOf('--limit', texts).map(([name, value]) => {
      if (!(name in DEFAULT_LIMITS))
        throw new UsageError(
          `there is no limit ${JSON.stringify(name)}; the limits are ${NAMES.join(', ')}`,
        );
      return [name, wholeOption(`--limit ${name}`, 1)(value)];
    }),
  );

export const limitOption = (): Option =>
  new Option(
    '--limit <name=value>',
    `sets a limit of the gateways: ${NAMES.join(', ')}; can be repeated`,
  )
    .argParser((text: string, before: readonly string[]) => [...before, text])
    .default([], 'the defaults');
