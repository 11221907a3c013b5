/**
 * Where OpenLineage events go: `--openlineage`, or the environment variables that OpenLineage's own
 * clients read (OPENLINEAGE_URL, OPENLINEAGE_ENDPOINT, OPENLINEAGE_API_KEY, OPENLINEAGE_NAMESPACE,
 * OPENLINEAGE_DISABLED). The option takes precedence over OPENLINEAGE_URL.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail } from '#domain/errors.ts';
import { parseDuration } from '#domain/values/duration.ts';

export type LineageTarget =
  | {
      readonly kind: 'http';
      readonly url: string;
      readonly apiKey: string | null;
      readonly gzip: boolean;
    }
  /** one JSON document a line, appended */
  | { readonly kind: 'file'; readonly path: string }
  /** kept on the log, for clients that fetch them */
  | { readonly kind: 'log' };

export interface LineageSettings {
  readonly namespace: string;
  readonly target: LineageTarget;
  /** how often events about the generations that compute are emitted, ms */
  readonly everyMs: number;
}

export type LineageEnvironment = Readonly<Record<string, string | undefined>>;

const DEFAULT_EVERY = '15m';
const ENDPOINT = 'api/v1/lineage';

const httpTarget = (text: string, env: LineageEnvironment): LineageTarget => {
  const url = new URL(text.endsWith('/') ? text : `${text}/`);
  return {
    kind: 'http',
    url: new URL(env['OPENLINEAGE_ENDPOINT'] ?? ENDPOINT, url).href,
    apiKey: env['OPENLINEAGE_API_KEY'] || null,
    gzip: env['OPENLINEAGE__TRANSPORT__COMPRESSION'] === 'gzip',
  };
};

const targetOf = (text: string, env: LineageEnvironment): LineageTarget => {
  if (text === 'log') return { kind: 'log' };
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return httpTarget(text, env);
  if (text.startsWith('file://') && URL.canParse(text))
    return { kind: 'file', path: fileURLToPath(text) };
  // Anything else is a path, unless it looks like an address of another kind: that is a mistake.
  if (/^[a-z][a-z0-9+.-]*:/i.test(text))
    return fail(
      'MR_PARAMETER_INVALID',
      `"${text}" is not a place for OpenLineage events: give http(s)://…, a file, or \`log\``,
      {
        parameter: 'openlineage',
        value: text,
      },
    );
  return { kind: 'file', path: resolve(text) };
};

/** @returns null where OpenLineage events are off */
export const lineageSettings = (
  option: string | undefined,
  env: LineageEnvironment,
): LineageSettings | null => {
  if (/^(true|1)$/i.test(env['OPENLINEAGE_DISABLED'] ?? '')) return null;
  const target = option ?? env['OPENLINEAGE_URL'];
  if (target === undefined || target === '') return null;
  return {
    namespace: env['OPENLINEAGE_NAMESPACE'] || 'millrace',
    target: targetOf(target, env),
    everyMs: parseDuration(env['MILLRACE_OPENLINEAGE_EVERY'] || DEFAULT_EVERY),
  };
};
