/** What a command works with: the server, where to write, and how. Results go to stdout; progress and messages to stderr. */
import { hostname, userInfo } from 'node:os';
import type { Command } from 'commander';
import { type Client, createClient } from './client.ts';
import { UsageError } from './usage.ts';

export interface Context {
  readonly client: Client;
  readonly json: boolean;
  /** one document; with `--json` only */
  document(value: unknown): void;
  /** a line a record; with `--json` only */
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

export const contextOf = (command: Command): Context => {
  const { url, apiKey, json } = command.optsWithGlobals() as { url?: string; apiKey?: string; json?: boolean };
  const address = checkUrl(url ?? process.env.MILLRACE_URL ?? DEFAULT_URL);
  const key = apiKey ?? process.env.MILLRACE_API_KEY;
  const print = (text: string): void => {
    process.stdout.write(`${text}\n`);
  };
  return {
    client: createClient(address, {
      actor: process.env.MILLRACE_ACTOR ?? actorName(),
      ...(key === undefined ? {} : { apiKey: key }),
    }),
    json: json === true,
    document: (value) => print(JSON.stringify(value)),
    records(values) {
      for (const value of values) print(JSON.stringify(value));
    },
    print,
    message: (text) => process.stderr.write(`${text}\n`),
  };
};
