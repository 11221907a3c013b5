/** Runs the drill of docs/guides/recovery.md as it is written, except for the second port. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { MAIN, runProcess } from '#tests/support/cli.ts';
import { startServer } from '#tests/support/server.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(join(root, 'docs', 'guides', 'recovery.md'), 'utf8');
const drill = /<!-- drill -->\n```sh\n([\s\S]*?)```/.exec(page)?.[1] ?? '';

const freePort = (): Promise<number> =>
  new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });

/** Runs in a directory whose `bin/npx` runs the clone's `millrace`. */
const bash = (script: string, cwd: string, env: NodeJS.ProcessEnv) =>
  new Promise<{ readonly code: number | null; readonly out: string }>((done) => {
    const bin = join(cwd, 'bin');
    mkdirSync(bin);
    const millrace = `exec '${process.execPath}' --disable-warning=ExperimentalWarning '${MAIN}'`;
    writeFileSync(join(bin, 'npx'), `#!/bin/bash\nshift\n${millrace} "$@"\n`, { mode: 0o755 });
    const child = spawn('bash', ['-euo', 'pipefail', '-c', script], {
      cwd,
      env: { ...process.env, ...env, PATH: `${bin}:${process.env.PATH}` },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        out += String(chunk);
      });
    child.on('exit', (code) => done({ code, out }));
  });

test('the drill ends with status 0, and its files have values', { timeout: 120_000 }, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-drill-'));
  const server = await startServer(join(directory, 'data'));
  try {
    const env = { MILLRACE_URL: server.url };
    const applied = await runProcess(['apply', join(root, 'examples/flights/features.ts')], env);
    expect(applied.status, applied.err).toBe(0);
    const flights = Array.from({ length: 50 }, (_, i) =>
      JSON.stringify({
        date: new Date(Date.now() - i * 1_000).toISOString(),
        origin: 'ATL',
        destination: 'LAX',
        delay: i,
        distance: 1946,
      }),
    );
    writeFileSync(join(directory, 'flights.ndjson'), flights.join('\n'));
    const port = String(await freePort());
    const { code, out } = await bash(drill.replaceAll('7412', port), directory, env);
    expect(code, out).toBe(0);
    expect(readFileSync(join(directory, 'restored.txt'), 'utf8')).toMatch(/ATL +50 /);
    expect(readFileSync(join(directory, 'registry-restored.json'), 'utf8')).toContain('flights');
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
});
