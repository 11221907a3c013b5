/** The options of `erase` and `erase verify`, and which of them a profile has. */
import type { Command } from 'commander';
import type { EntityTexts } from '#domain/erasure/scope.ts';
import type { AuditFlags } from './audit-options.ts';
import type { EntityQuotas } from './entity-quota-option.ts';
import { UsageError } from './usage.ts';

export interface EraseOptions extends AuditFlags {
  readonly profile: 'embedded' | 'stack';
  readonly stack: string;
  readonly stackPort: number;
  /** of the stack profile */
  readonly gateways?: readonly string[];
  readonly entityQuota?: EntityQuotas;
  readonly data: string;
  readonly entity?: readonly string[];
  readonly backups?: readonly string[];
  readonly reason?: string;
  readonly certificate?: string;
  readonly keyFile?: string;
  readonly removeBackups: boolean;
  /** of a running server; absent: the data directory */
  readonly url?: string;
}

export const entityOf = (pairs: readonly string[] | undefined): EntityTexts => {
  if (pairs === undefined)
    throw new UsageError('an entity is required: --entity key=value …, with every key');
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new UsageError(`"${pair}" is no key=value`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
};

/** Options that the profile does not have. */
export const refuseForeign = ({ profile, url }: EraseOptions, command: Command): void => {
  const given = (name: string): boolean => command.getOptionValueSourceWithGlobals(name) === 'cli';
  const only = (names: readonly (readonly [name: string, flag: string])[], where: string): void => {
    for (const [name, flag] of names)
      if (given(name)) throw new UsageError(`${flag} is for the ${where}`);
  };
  if (profile === 'embedded')
    return only(
      [
        ['gateways', '--gateways'],
        ['stack', '--stack'],
        ['stackPort', '--stack-port'],
      ],
      'stack profile: give --profile stack, too',
    );
  if (url !== undefined)
    throw new UsageError(
      'a stack is erased from while no gateway runs: give --stack, the directory of its servers, and not --url',
    );
  only(
    [
      ['data', '--data'],
      ['entityQuota', '--entity-quota'],
    ],
    'embedded profile; name the directories of gateways with --gateways',
  );
};
