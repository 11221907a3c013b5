/** Drills of the guides: tests run the shell scripts of the pages. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MAIN } from './cli.ts';

const guides = fileURLToPath(new URL('../../docs/guides/', import.meta.url));

/** The script below `<!-- NAME -->` in a guide. */
export const drillOf = (guide: string, name = 'drill'): string => {
  const page = readFileSync(join(guides, `${guide}.md`), 'utf8');
  const script = new RegExp(`<!-- ${name} -->\\n\`\`\`sh\\n([\\s\\S]*?)\`\`\``).exec(page)?.[1];
  if (script === undefined) throw new Error(`docs/guides/${guide}.md has no "${name}"`);
  return script;
};

/** Runs in a directory whose `bin/npx` runs the clone's `millrace`. */
export const runDrill = (
  script: string,
  cwd: string,
  env: NodeJS.ProcessEnv = {},
): Promise<{ readonly code: number | null; readonly out: string }> =>
  new Promise((done) => {
    const bin = join(cwd, 'bin');
    mkdirSync(bin);
    const millrace = `exec '${process.execPath}' --disable-warning=ExperimentalWarning '${MAIN}'`;
    writeFileSync(join(bin, 'npx'), `#!/bin/bash\nshift\n${millrace} "$@"\n`, { mode: 0o755 });
    const child = spawn('bash', ['--norc', '-euo', 'pipefail', '-c', script], {
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
