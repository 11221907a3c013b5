/** `millrace sql setup ENGINE`: the file or statements by which an engine has the tables. */
import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { fail } from '#domain/errors.ts';
import { type EngineSetup, engineSetup } from '#domain/sql/setup/engine-setup.ts';
import { isRemoteEngine, REMOTE_ENGINES } from '#domain/sql/tables/engine-names.ts';
import { suggestion } from '#domain/values/did-you-mean.ts';
import { contextOf } from '../context.ts';
import { UsageError } from '../usage.ts';

interface SetupOptions {
  readonly catalog: string;
  readonly uri?: string;
  readonly paimon?: string;
  readonly key: boolean;
  readonly out?: string;
}

const uriOf = ({ uri }: SetupOptions, server: string): string => {
  const text = uri ?? `${server.replace(/\/+$/, '')}/iceberg`;
  const parsed = URL.canParse(text) ? new URL(text) : null;
  if (parsed?.protocol === 'http:' || parsed?.protocol === 'https:')
    return text.replace(/\/+$/, '');
  throw new UsageError(`--uri must be an http or https address, not ${JSON.stringify(text)}`);
};

const paimonOf = ({ paimon }: SetupOptions): string | null => {
  if (paimon === undefined) return null;
  if (paimon.startsWith('/')) return `file://${paimon}`;
  if (/^[a-z][a-z0-9+.-]*:\/\//.test(paimon)) return paimon;
  throw new UsageError(`--paimon must be an absolute path or a URI, not ${JSON.stringify(paimon)}`);
};

/** A file of secrets, once the key is in it. */
const SECRET = 0o600;

const write = async (out: string, { text }: EngineSetup): Promise<void> => {
  try {
    await writeFile(out, `${text}\n`, { mode: SECRET, flag: 'wx' });
  } catch (error) {
    fail('MR_FILE_INVALID', `${out} cannot be written: ${(error as Error).message}`, { out });
  }
};

const setup = async (engine: string, options: SetupOptions, command: Command): Promise<void> => {
  if (engine === 'duckdb')
    throw new UsageError('duckdb is the platform’s own engine and needs no setup');
  if (!isRemoteEngine(engine))
    throw new UsageError(
      `there is no engine ${JSON.stringify(engine)}${suggestion(engine, REMOTE_ENGINES)}; the engines are ${REMOTE_ENGINES.join(', ')}`,
    );
  const { client, json, document, print, message } = contextOf(command);
  const found = engineSetup(engine, {
    uri: uriOf(options, client.url),
    catalog: options.catalog,
    withKey: options.key,
    paimon: paimonOf(options),
  });
  if (options.out !== undefined) await write(options.out, found);
  if (json) return document({ engine, ...found, ...(options.out ? { out: options.out } : {}) });
  if (options.out === undefined) print(found.text);
  message(
    `for ${engine}: ${found.file}${options.key ? ', with the key of a reader in place of MILLRACE_API_KEY' : ''}`,
  );
};

export const addSqlSetup = (sql: Command): void => {
  sql
    .command('setup')
    .description('print what another SQL engine needs to have the tables')
    .argument('<engine>', REMOTE_ENGINES.join(', '))
    .option('--catalog <name>', 'name of the catalog in the engine', 'millrace')
    .option('--uri <url>', 'address of the Iceberg catalog; default: that of the server (--url)')
    .option('--paimon <dir>', "the stack's Paimon warehouse, as a second catalog")
    .option('--no-key', 'the server runs without keys')
    .option('--out <file>', 'write to this file, which must not exist')
    .addHelpText(
      'after',
      '\nExample:\n  millrace sql setup trino > etc/catalog/millrace.properties\n  millrace sql setup spark --catalog lake --out spark-defaults.conf',
    )
    .action(setup);
};
