/** Runs the README's commands as they are written. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { startServer } from '#tests/support/server.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocks = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, text]) =>
  (text as string).trim(),
);

const run = (
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ code: number | null; out: string; err: string }> =>
  new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk) => {
      out += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      err += String(chunk);
    });
    child.on('exit', (code) => resolve({ code, out, err }));
  });

test('the first command runs the demo to its end', { timeout: 120_000 }, async () => {
  expect(blocks[0]).toBe('npm run demo');
  const { code, out, err } = await run('npm', ['run', '--silent', 'demo', '--', '--exit'], {
    MILLRACE_DEMO_EVENTS: '20000',
  });
  expect(code, `${out}\n${err}`).toBe(0);
  expect(out).toMatch(/10\. Show who changed what/);
  expect(out).toMatch(/the hash chain of \d+ records is complete/);
  expect(out).toMatch(/late_share_7d +\d+ +[1-9]/);
  expect(out).toMatch(/✓ recomputed/);
});

test('the second command is the one that runs this test', () => {
  expect(blocks[1]).toBe('npm test');
});

test("the commands for the first feature of one's own work", { timeout: 120_000 }, async () => {
  const [serve, commands] = [blocks[2], blocks[3]] as [string, string];
  expect(serve).toBe('npx millrace serve --data ./data');
  const directory = mkdtempSync(join(tmpdir(), 'millrace-readme-'));
  const server = await startServer(directory);
  try {
    for (const line of commands.split('\n')) {
      const { code, out, err } = await run(
        'bash',
        [
          '--norc',
          '-euo',
          'pipefail',
          '-c',
          `npx() { shift; node scripts/millrace.mjs "$@"; }\n${line}`,
        ],
        { MILLRACE_URL: server.url },
      );
      expect(code, `${line}\n${out}\n${err}`).toBe(0);
      // The first read must show values: the window still holds the events.
      if (line.includes(' get ')) expect(out).toMatch(/ATL +1 +21 +21 /);
      if (line.includes(' explain ')) expect(out).toMatch(/✓ recomputed/);
    }
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
});
