/** A stack for one benchmark, with a directory of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStack, type Stack } from '#infra/stack/stack.ts';

export interface OwnStack {
  readonly stack: Stack;
  readonly directory: string;
  /** Stops the servers, and removes the directory. */
  readonly remove: () => Promise<void>;
}

/** A benchmark that is interrupted stops its servers, and keeps the directory. */
export const ownStack = (name: string, basePort: number): OwnStack => {
  const directory = mkdtempSync(join(tmpdir(), `millrace-bench-${name}-`));
  const stack = openStack({ directory, basePort, say: (line) => console.error(line) });
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => void stack.down().finally(() => process.exit(1)));
  return {
    stack,
    directory,
    async remove() {
      await stack.down();
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
};
