/** What a server of the stack is to the runner, and what those on the JVM have in common. */
import { randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { StackAddresses } from './addresses.ts';
import { buildJavaModule, type Say } from './fetch.ts';
import type { Launch } from './process.ts';
import { LOG4J } from './settings.ts';
import { HEAP_MB, type ServerName } from './versions.ts';

export interface ServerContext {
  readonly directory: string;
  readonly basePort: number;
  readonly addresses: StackAddresses;
  readonly say: Say;
}

export interface Server {
  readonly name: ServerName;
  readonly version: string;
  readonly port: (context: ServerContext) => number;
  /** beside `port` */
  readonly otherPorts?: (context: ServerContext) => readonly number[];
  /** servers that must be ready before */
  readonly after: readonly ServerName[];
  readonly launch: (context: ServerContext) => Promise<Launch>;
  /** Resolves where the server does what it is for; rejects while it does not yet. */
  readonly ready: (context: ServerContext) => Promise<void>;
  readonly deadlineMs: number;
}

/**
 * The module's jar, in the stack's own directory: a running JVM must not have its jar replaced by
 * the next build.
 */
export const ownJar = async ({ directory, say }: ServerContext): Promise<string> => {
  const built = await buildJavaModule(say);
  const copy = join(directory, 'lib', `millrace-java-${Math.trunc(statSync(built).mtimeMs)}.jar`);
  if (existsSync(copy)) return copy;
  mkdirSync(dirname(copy), { recursive: true });
  const part = `${copy}.${process.pid}.${randomUUID()}`;
  copyFileSync(built, part);
  renameSync(part, copy);
  return copy;
};

export const heap = (name: keyof typeof HEAP_MB): string => `-Xmx${HEAP_MB[name]}m`;
/**
 * Two cores are many servers': few threads for each one's collector, and none to start it slowly.
 */
export const LEAN = [
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=4',
  '-Djava.net.preferIPv4Stack=true',
];

export const httpOk = async (url: string): Promise<unknown> => {
  const response = await fetch(url, { signal: AbortSignal.timeout(3_000) });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  return response.json();
};

export const file = (folder: string, name: string, text: string): string => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

export const log4j = (directory: string): string =>
  `-Dlog4j.configurationFile=file:${file(join(directory, 'conf'), 'log4j2.properties', LOG4J)}`;
