/**
 * The promise: entities without end do not exhaust the memory. New events are refused before, reads
 * go on, and the platform starts again with the same memory.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const HEAP_MIB = 128;
const child = fileURLToPath(new URL('./publish-until-refused.ts', import.meta.url));

interface Found {
  /** the sequence at which the process began, and at which events were refused */
  readonly first: number;
  readonly next: number;
  readonly code?: string;
  readonly details?: unknown;
  /** of the first entity, of the last acknowledged one, and of the next one */
  readonly counts: readonly unknown[];
  /** degraded modes in readiness */
  readonly ready: readonly string[];
}

const publishUntilRefused = async (directory: string): Promise<Found> => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [`--max-old-space-size=${HEAP_MIB}`, child, directory],
    { maxBuffer: 2 ** 24 },
  );
  return JSON.parse(stdout) as Found;
};

test('events are refused before the memory is full, and a restart with as much succeeds', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-memory-'));
  try {
    let expected = 0;
    for (let start = 0; start < 3; start++) {
      const found = await publishUntilRefused(directory);
      expect(found.first, 'everything acknowledged is there').toBe(expected);
      expect(found).toMatchObject({
        code: 'MR_OVERLOADED',
        details: { memory: 'low' },
        counts: [1, 1, 0],
        ready: ['memory-low'],
      });
      expected = found.next;
    }
    expect(expected).toBeGreaterThan(10_000);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
