/**
 * What every command uses: the client of the server, and its output. Results go to stdout; progress
 * and messages go to stderr.
 */
import { readFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import type { Command } from 'commander';
import { type Client, createClient } from './client.ts';
import { terminalText } from './terminal-text.ts';
import { UsageError } from './usage.ts';

export interface Context {
  readonly client: Client;
  readonly json: boolean;
  /** one document; with `--json` only */
  document(value: unknown): void;
  /** one line per record; with `--json` only */
  records(values: Iterable<unknown>): void;
  print(text: string): void;
  message(text: string): void;
}

export const DEFAULT_URL = 'http://127.0.0.1:7411';

const actorName = (): string => {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    return `${process.env.USER ?? 'unknown'}@${hostname()}`;
  }
};

const checkUrl = (url: string): string => {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed?.protocol === 'http:' || parsed?.protocol === 'https:') return url;
  throw new UsageError(`--url must be an http or https address, not ${JSON.stringify(url)}`);
};

interface TlsFiles {
  readonly ca?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
}

interface GlobalOptions extends TlsFiles {
  readonly url?: string;
  readonly apiKey?: string;
  readonly apiKeyFile?: string;
  readonly json?: boolean;
}

const pem = (option: string, file: string | undefined): Buffer | undefined => {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file);
  } catch (error) {
    throw new UsageError(`${option} ${file} cannot be read: ${(error as Error).message}`);
  }
};

const tlsOf = ({
  ca,
  clientCert,
  clientKey,
}: TlsFiles): { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer } => {
  const given = {
    ca: pem('--ca', ca ?? process.env.MILLRACE_CA),
    cert: pem('--client-cert', clientCert ?? process.env.MILLRACE_CLIENT_CERT),
    key: pem('--client-key', clientKey ?? process.env.MILLRACE_CLIENT_KEY),
  };
  return Object.fromEntries(Object.entries(given).filter(([, bytes]) => bytes !== undefined));
};

/** The options come before the environment. A key in a file is not in the list of processes. */
const keyOf = (key: string | undefined, file: string | undefined): string | undefined => {
  if (key !== undefined && file !== undefined)
    throw new UsageError('--api-key and --api-key-file exclude each other');
  if (key !== undefined) return key;
  const path =
    file ??
    (process.env.MILLRACE_API_KEY === undefined ? process.env.MILLRACE_API_KEY_FILE : undefined);
  if (path === undefined) return process.env.MILLRACE_API_KEY;
  try {
    const text = readFileSync(path, 'utf8').trim();
    if (/^[\x21-\x7e]+$/.test(text)) return text;
  } catch (error) {
    throw new UsageError(`--api-key-file ${path} cannot be read: ${(error as Error).message}`);
  }
  throw new UsageError(`--api-key-file ${path} must have one key and nothing else`);
};

export const contextOf = (command: Command): Context => {
  const { url, apiKey, apiKeyFile, json, ...files } = command.optsWithGlobals() as GlobalOptions;
  const address = checkUrl(url ?? process.env.MILLRACE_URL ?? DEFAULT_URL);
  const key = keyOf(apiKey, apiKeyFile);
  const print = (text: string): void => {
    process.stdout.write(`${terminalText(text)}\n`);
  };
  return {
    client: createClient(address, {
      actor: process.env.MILLRACE_ACTOR ?? actorName(),
      ...(key === undefined ? {} : { apiKey: key }),
      tls: tlsOf(files),
    }),
    json: json === true,
    document: (value) => print(JSON.stringify(value)),
    records(values) {
      for (const value of values) print(JSON.stringify(value));
    },
    print,
    message: (text) => process.stderr.write(`${terminalText(text)}\n`),
  };
};
