/**
 * Where OpenLineage events go, by the environment that OpenLineage's own clients read:
 * OPENLINEAGE_URL, OPENLINEAGE_ENDPOINT, OPENLINEAGE_API_KEY, OPENLINEAGE_NAMESPACE,
 * OPENLINEAGE_DISABLED; and by `--openlineage`, which wins over OPENLINEAGE_URL.
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
  /** kept on the log, for those who fetch them */
  | { readonly kind: 'log' };

export interface LineageSettings {
  readonly namespace: string;
  readonly target: LineageTarget;
  /** how often generations that compute are told of, ms */
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
  // A path; what looks like another kind of address is more likely a slip.
  if (/^[a-z][a-z0-9+.-]*:/i.test(text))
    return fail(
      'MR_PARAMETER_INVALID',
      `"${text}" is nowhere to send OpenLineage events: give http(s)://…, a file, or \`log\``,
      {
        parameter: 'openlineage',
        value: text,
      },
    );
  return { kind: 'file', path: resolve(text) };
};

/** @returns null where nobody asked for them */
export const lineageSettings = (
  option: string | undefined,
  env: LineageEnvironment,
): LineageSettings | null => {
  if (/^(true|1)$/i.test(env['OPENLINEAGE_DISABLED'] ?? '')) return null;
  const asked = option ?? env['OPENLINEAGE_URL'];
  if (asked === undefined || asked === '') return null;
  return {
    namespace: env['OPENLINEAGE_NAMESPACE'] || 'millrace',
    target: targetOf(asked, env),
    everyMs: parseDuration(env['MILLRACE_OPENLINEAGE_EVERY'] || DEFAULT_EVERY),
  };
};
