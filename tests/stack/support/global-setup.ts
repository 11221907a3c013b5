/**
 * The servers of the stack tests: started once for all files, on free ports, in a directory of
 * their own, and removed afterwards, also where the run is interrupted. MILLRACE_STACK_DIR (and
 * MILLRACE_STACK_PORT) name a stack to use and keep during development.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_BASE_PORT } from '#infra/stack/addresses.ts';
import { openStack } from '#infra/stack/stack.ts';
import { freeBlock } from './free-block.ts';

export default async function setup(): Promise<() => Promise<void>> {
  const say = (line: string): void => void process.stderr.write(`stack: ${line}\n`);
  const kept = process.env.MILLRACE_STACK_DIR;
  const directory = kept ?? mkdtempSync(join(tmpdir(), 'millrace-stack-'));
  const basePort =
    kept === undefined
      ? await freeBlock()
      : Number(process.env.MILLRACE_STACK_PORT ?? DEFAULT_BASE_PORT);
  const stack = openStack({ directory, basePort, say });
  const down = async (): Promise<void> => {
    if (kept !== undefined) return;
    await stack.down();
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  // A terminal and a wrapper may both send the signal: the second must not end this process while
  // the servers are being stopped.
  let interrupted = false;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => {
      if (!interrupted) void down().finally(() => process.exit(1));
      interrupted = true;
    });
  try {
    await stack.up();
  } catch (error) {
    await down();
    throw error;
  }
  process.env.MILLRACE_STACK = JSON.stringify(stack.addresses);
  process.env.MILLRACE_STACK_BASE_PORT = String(basePort);
  return down;
}
