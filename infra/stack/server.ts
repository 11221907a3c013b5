/** The interface of a server to the stack runner, and common parts of the servers on the JVM. */
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { StackAddresses } from './addresses.ts';
import type { Say } from './fetch.ts';
import { buildJavaModule } from './java-module.ts';
import { PRIVATE_FILE } from './private-files.ts';
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
  /** other ports that must be free */
  readonly otherPorts?: (context: ServerContext) => readonly number[];
  /** servers that must be ready before this one starts */
  readonly after: readonly ServerName[];
  readonly launch: (context: ServerContext) => Promise<Launch>;
  /** Resolves if the server does its work; rejects while it does not yet. */
  readonly ready: (context: ServerContext) => Promise<void>;
  readonly deadlineMs: number;
}

/**
 * Copies the module's jar to the stack's directory, so that the next build does not replace the jar
 * of a running JVM.
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
/** Many servers share two cores, so each uses a garbage collector with a single thread. */
const SHARED = ['-XX:+UseSerialGC', '-Djava.net.preferIPv4Stack=true'];
/**
 * For servers that plan and keep records: their code runs a few times each, and compiling it well
 * took half of the processor time that they used.
 */
export const LEAN = [...SHARED, '-XX:TieredStopAtLevel=1'];
/**
 * For servers that events pass through. Only code that runs ten times as often as the JVM's own
 * thresholds is compiled well: with these, each new job of Flink took a core for seconds, in which
 * reads and publishing waited.
 */
export const BUSY = [
  ...SHARED,
  '-XX:Tier4InvocationThreshold=50000',
  '-XX:Tier4MinInvocationThreshold=6000',
  '-XX:Tier4CompileThreshold=150000',
  '-XX:Tier4BackEdgeThreshold=400000',
];

export const httpOk = async (url: string): Promise<unknown> => {
  const response = await fetch(url, { signal: AbortSignal.timeout(3_000) });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  return response.json();
};

export const file = (folder: string, name: string, text: string): string => {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, text, { mode: PRIVATE_FILE });
  // One that an older version wrote keeps its mode.
  chmodSync(path, PRIVATE_FILE);
  return path;
};

export const log4j = (directory: string): string =>
  `-Dlog4j.configurationFile=file:${file(join(directory, 'conf'), 'log4j2.properties', LOG4J)}`;
