/** Runs the drill of docs/guides/stack-operator.md as it is written, except for paths and ports. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MAIN } from '#tests/support/cli.ts';
import { addresses } from '../support/addresses.ts';

const page = readFileSync(
  fileURLToPath(new URL('../../../docs/guides/stack-operator.md', import.meta.url)),
  'utf8',
);
const drill = /<!-- drill -->\n```sh\n([\s\S]*?)```/.exec(page)?.[1] ?? 'exit 1';

const freePort = (): Promise<number> =>
  new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });

/** The gateway that the page says runs, and its end. */
const around = (script: string): string => `
npx millrace serve --profile stack &
gateway=$!
trap 'kill $gateway 2> /dev/null || true; wait $gateway || true' EXIT
until npx millrace status > /dev/null 2>&1; do sleep 1; done
${script}`;

export const runDrill = async (
  directory: string,
): Promise<{ readonly code: number | null; readonly out: string }> => {
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  const millrace = `exec '${process.execPath}' --disable-warning=ExperimentalWarning '${MAIN}'`;
  writeFileSync(join(bin, 'npx'), `#!/bin/bash\nshift\n${millrace} "$@"\n`, { mode: 0o755 });
  const { directory: servers } = addresses();
  const base = process.env.MILLRACE_STACK_BASE_PORT;
  const port = await freePort();
  const script = around(drill)
    .replaceAll('.millrace-stack', servers)
    .replaceAll('millrace stack down', `millrace stack down --data ${servers}`)
    .replaceAll('millrace stack up', `millrace stack up --data ${servers} --base-port ${base}`)
    .replaceAll('--profile stack', `--profile stack --stack ${servers} --stack-port ${base}`)
    .replaceAll('millrace serve', `millrace serve --port ${port}`);
  try {
    return await new Promise((done) => {
      const child = spawn('bash', ['--norc', '-euo', 'pipefail', '-c', script], {
        cwd: directory,
        env: {
          ...process.env,
          MILLRACE_URL: `http://127.0.0.1:${port}`,
          PATH: `${bin}:${process.env.PATH}`,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let out = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk) => {
          out += String(chunk);
        });
      child.on('exit', (code) => done({ code, out }));
    });
  } finally {
    rmSync(`${servers}.before`, { recursive: true, force: true });
  }
};
