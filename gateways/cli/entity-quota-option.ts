/** The option `--entity-quota N` or `VIEW=N`: the most entities of a view in memory. */
import { Option } from 'commander';
import { wholeOption } from './usage.ts';

export interface EntityQuotas {
  readonly all?: number;
  readonly views: Readonly<Record<string, number>>;
}

const NONE: EntityQuotas = { views: {} };

export const addQuota = (text: string, before: EntityQuotas = NONE): EntityQuotas => {
  const equals = text.lastIndexOf('=');
  const quota = wholeOption('--entity-quota', 1)(text.slice(equals + 1));
  if (equals < 0) return { ...before, all: quota };
  return { ...before, views: { ...before.views, [text.slice(0, equals)]: quota } };
};

export const entityQuotaOption = (): Option =>
  new Option(
    '--entity-quota <n>',
    'profile embedded: the most entities of a view in memory; VIEW=N for one view; can be repeated; default: 2000000',
  ).argParser(addQuota);
