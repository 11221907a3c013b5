/**
 * The engines that a platform asks, and where they are: a JSON file, and addresses of options. The
 * file has what an address has no place for, and names the files of passwords and keys:
 *
 * { "trino": { "url": "https://trino:8443", "user": "millrace", "passwordFile": "trino.password" } }
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { messageOf } from '#domain/error-message.ts';
import { fail } from '#domain/errors.ts';
import {
  isRemoteEngine,
  REMOTE_ENGINES,
  type RemoteEngine,
} from '#domain/sql/tables/engine-names.ts';
import { suggestion } from '#domain/values/did-you-mean.ts';

export interface SqlEngineSettings {
  readonly engine: RemoteEngine;
  readonly url: string;
  readonly user: string;
  readonly password?: string;
  /** the name that the engine has Millrace's catalog by */
  readonly catalog: string;
  /** of a statement, where the engine limits it */
  readonly memoryMb?: number;
  /** Flink: statements that a session begins with */
  readonly init: readonly string[];
}

const CATALOG = 'millrace';
const USER = 'millrace';

const PROTOCOLS: Readonly<Record<RemoteEngine, readonly string[]>> = {
  trino: ['http:', 'https:'],
  presto: ['http:', 'https:'],
  clickhouse: ['http:', 'https:'],
  spark: ['sc:', 'scs:'],
  starrocks: ['mysql:'],
  doris: ['mysql:'],
  flink: ['http:', 'https:'],
};

const FIELDS = ['url', 'user', 'passwordFile', 'catalog', 'memoryMb', 'initFile'] as const;
type Fields = Partial<Readonly<Record<(typeof FIELDS)[number], unknown>>>;

const invalid = (place: string, what: string): never =>
  fail('MR_PARAMETER_INVALID', `${place}: ${what}`, { parameter: place });

const engineOf = (place: string, name: string): RemoteEngine =>
  isRemoteEngine(name)
    ? name
    : invalid(
        place,
        `there is no engine ${JSON.stringify(name)}${suggestion(name, REMOTE_ENGINES)}; the engines are ${REMOTE_ENGINES.join(', ')}`,
      );

/** Passwords are not in addresses: those show in lists of processes and in messages. */
const checkedUrl = (place: string, engine: RemoteEngine, url: string): string => {
  const protocols = PROTOCOLS[engine];
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const form = protocols.map((protocol) => `${protocol}//host:port`).join(' or ');
  if (parsed === null || !protocols.includes(parsed.protocol) || parsed.hostname === '')
    return invalid(place, `the address of ${engine} must be ${form}, not ${JSON.stringify(url)}`);
  if (parsed.password !== '' || parsed.username !== '')
    return invalid(place, `the address of ${engine} has no user: name "user" and "passwordFile"`);
  return url.replace(/\/+$/, '');
};

const textIn = (place: string, fields: Fields, name: keyof Fields): string | undefined => {
  const value = fields[name];
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  return invalid(place, `"${name}" must be a text, not ${JSON.stringify(value)}`);
};

const readText = (place: string, file: string): string => {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    return fail('MR_FILE_INVALID', `${place}: ${file} cannot be read: ${messageOf(error)}`, {
      file,
    });
  }
};

/** Statements of a file, each with a semicolon at the end of a line; without comments. */
const statementsOf = (text: string): readonly string[] =>
  text
    .replace(/^\s*--.*$/gm, '')
    .split(/;\s*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');

const oneEngine = (place: string, name: string, given: unknown, base: string) => {
  const engine = engineOf(place, name);
  const at = `${place}: ${engine}`;
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return invalid(at, `must be an object with a "url", not ${JSON.stringify(given)}`);
  const unknown = Object.keys(given).find((key) => !(FIELDS as readonly string[]).includes(key));
  if (unknown !== undefined)
    return invalid(at, `there is no setting "${unknown}": there are ${FIELDS.join(', ')}`);
  const fields = given as Fields;
  const url = textIn(at, fields, 'url') ?? invalid(at, '"url" is missing');
  const [passwordFile, initFile] = [
    textIn(at, fields, 'passwordFile'),
    textIn(at, fields, 'initFile'),
  ];
  const { memoryMb } = fields;
  if (memoryMb !== undefined && !(Number.isInteger(memoryMb) && (memoryMb as number) >= 1))
    return invalid(at, `"memoryMb" must be a whole number from 1, not ${JSON.stringify(memoryMb)}`);
  return {
    engine,
    url: checkedUrl(at, engine, url),
    user: textIn(at, fields, 'user') ?? USER,
    catalog: textIn(at, fields, 'catalog') ?? CATALOG,
    init: initFile === undefined ? [] : statementsOf(readText(at, resolve(base, initFile))),
    ...(memoryMb === undefined ? {} : { memoryMb: memoryMb as number }),
    ...(passwordFile === undefined ? {} : { password: readText(at, resolve(base, passwordFile)) }),
  } satisfies SqlEngineSettings;
};

const fromFile = (file: string): readonly SqlEngineSettings[] => {
  const text = readText('--sql-engines', file);
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    return fail('MR_FILE_INVALID', `${file} is not JSON: ${messageOf(error)}`, { file });
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return fail('MR_FILE_INVALID', `${file} must be an object: engine → settings`, { file });
  return Object.entries(given).map(([name, one]) => oneEngine(file, name, one, dirname(file)));
};

/**
 * @param file absent: MILLRACE_SQL_ENGINES of the environment, or none
 * @param addresses ENGINE=URL; they take precedence over those of the file
 * @throws MR_PARAMETER_INVALID, MR_FILE_INVALID with the place and the setting
 */
export const sqlEngineSettings = (
  file: string | undefined,
  addresses: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): readonly SqlEngineSettings[] => {
  const path = file ?? (env['MILLRACE_SQL_ENGINES'] || undefined);
  const all = new Map<RemoteEngine, SqlEngineSettings>(
    (path === undefined ? [] : fromFile(path)).map((one) => [one.engine, one]),
  );
  for (const text of addresses) {
    const equals = text.indexOf('=');
    if (equals < 1) invalid('--sql-engine', `takes ENGINE=URL, not ${JSON.stringify(text)}`);
    const engine = engineOf('--sql-engine', text.slice(0, equals));
    const url = checkedUrl('--sql-engine', engine, text.slice(equals + 1));
    const before = all.get(engine);
    all.set(engine, { user: USER, catalog: CATALOG, init: [], ...before, engine, url });
  }
  return [...all.values()];
};
