/** The options of `serve` for the access log. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { NAME } from '#domain/definitions/names.ts';
import type { AccessSamples } from '#domain/ports/access-log.ts';
import { UsageError } from './usage.ts';

export interface AccessLogFlags {
  readonly accessLog?: string;
  readonly accessLogSample?: readonly string[];
}

export const addAccessLogOptions = (command: Command): Command =>
  command
    .option(
      '--access-log <file>',
      'file that a JSON line is appended to for each read, data set, batch, export and explanation: who, what, how many entities; never values',
    )
    .option(
      '--access-log-sample <shares...>',
      'share of these requests that is logged, from 0 to 1, and those of namespaces: 0.1 payments=1; default: 1',
    );

const shareOf = (text: string, whole: string): number => {
  const share = /^(0|1|0?\.\d+|1\.0+|0\.)$/.test(text) ? Number(text) : Number.NaN;
  if (share >= 0 && share <= 1) return share;
  throw new UsageError(
    `--access-log-sample ${whole} is no share: write a number from 0 to 1, or NAMESPACE=NUMBER`,
  );
};

interface AccessLogSettings {
  readonly file: string;
  readonly samples: AccessSamples;
}

/** Null: there is no access log. */
export const accessLogOf = ({
  accessLog,
  accessLogSample = [],
}: AccessLogFlags): AccessLogSettings | null => {
  let others: number | null = null;
  const byNamespace = new Map<string, number>();
  for (const text of accessLogSample) {
    const [namespace, share] = text.includes('=')
      ? [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]
      : [null, text];
    const twice = namespace === null ? others !== null : byNamespace.has(namespace);
    if (twice || (namespace !== null && !NAME.test(namespace)))
      throw new UsageError(
        `--access-log-sample ${text}: each namespace, and the share of the others, is given once`,
      );
    if (namespace === null) others = shareOf(share as string, text);
    else byNamespace.set(namespace, shareOf(share as string, text));
  }
  if (accessLog !== undefined)
    return { file: resolve(accessLog), samples: { others: others ?? 1, byNamespace } };
  if (accessLogSample.length > 0)
    throw new UsageError('--access-log-sample is for the file of --access-log, which is missing');
  return null;
};
