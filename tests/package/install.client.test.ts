/**
 * The package, as a user installs it: packed from a clone, installed from the tarball into a folder
 * outside of the clone, where the blocks of the getting-started guide are run as they are written.
 * The clone is a copy of this one, because packing builds in it.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blocks } from '../tidy/pages.ts';
import { gone, startServing } from './support.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const guide = blocks('docs/guides/getting-started.md').filter(({ language }) =>
  ['sh', 'ts'].includes(language),
);
const TSC = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

let directory: string;
let project: string;
const printed = new Map<string, string>();

/** No setting of the npm that runs these tests reaches the npm of the user. */
const env: NodeJS.ProcessEnv = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name))),
  NODE_ENV: '',
};

const copyClone = (to: string): void => {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of files.split('\n').filter((name) => name !== '' && name !== '.tools')) {
    mkdirSync(dirname(join(to, file)), { recursive: true });
    copyFileSync(join(root, file), join(to, file));
  }
  symlinkSync(join(root, 'node_modules'), join(to, 'node_modules'));
};

/** Runs a block in the shell, and notes where the shell then is. */
const sh = (text: string, cwd: string, more: NodeJS.ProcessEnv = {}) => {
  const ran = spawnSync(
    'bash',
    ['--norc', '-euo', 'pipefail', '-c', `${text}\npwd > ${directory}/cwd`],
    {
      cwd,
      encoding: 'utf8',
      env: { ...env, MILLRACE_TOOLS: join(root, '.tools'), ...more },
    },
  );
  expect(ran.status, `${text}\n${ran.stdout}\n${ran.stderr}`).toBe(0);
  return { ...ran, cwd: readFileSync(join(directory, 'cwd'), 'utf8').trim() };
};

const serve = (cwd = project, detached = false) =>
  startServing('npx', ['millrace', 'serve', '--data', './data'], { cwd, env, detached });

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-install-'));
  copyClone(join(directory, 'millrace'));
}, 120_000);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('the blocks of the getting-started guide, one after the other', {
  timeout: 600_000,
}, async () => {
  let cwd = directory;
  let server: Awaited<ReturnType<typeof serve>> | null = null;
  try {
    for (const { language, text } of guide) {
      if (language === 'ts') writeFileSync(join(cwd, 'features.ts'), text);
      else if (text.startsWith('npx millrace serve')) {
        project = cwd;
        server = await serve();
      } else {
        const ran = sh(text, cwd, server === null ? {} : { MILLRACE_URL: server.url });
        cwd = ran.cwd;
        const [, command = ''] = [...text.matchAll(/npx millrace (\w+)/g)].at(-1) ?? [];
        printed.set(command, ran.stdout);
      }
    }
  } finally {
    server?.child.kill('SIGTERM');
  }
  await gone(server?.pid as number);
  expect(cwd).toBe(join(directory, 'my-features'));
  expect(printed.get('apply')).toMatch(/^applied 5, /m);
  expect(printed.get('publish')).toMatch(/^1 accepted, 0 duplicates, 0 rejected/);
  expect(printed.get('get')).toMatch(/^ATL +1 +21 +25\.2$/m);
  expect(printed.get('explain')).toMatch(/✓ recomputed/);
  expect(readFileSync(join(project, 'training.csv'), 'utf8')).toMatch(
    /^origin,event_timestamp,hour,departures_1h,delay_avg_1d,late_risk\nATL,.*,18,1,21\.0,25\.2\n$/,
  );
});

test('nothing that packing builds stays in the clone, and the package has what it needs alone', () => {
  const status = execFileSync('ls', [join(directory, 'millrace', 'lib')], { encoding: 'utf8' });
  expect(status.trim().split('\n')).toEqual(['client.d.ts', 'client.js', 'index.d.ts', 'index.js']);
  const list = execFileSync('tar', ['tzf', 'millrace-0.1.0.tgz'], {
    cwd: join(directory, 'millrace'),
    encoding: 'utf8',
  });
  const names = list.split('\n');
  expect(
    names.filter((name) =>
      /\.test\.|(?<!\.d)\.ts$|^package\/(?!lib|docs|scripts\/(millrace|n)|[^/]+$)/.test(name),
    ),
  ).toEqual([]);
  expect(names).toContain('package/lib/java/pom.xml');
});

test.each(['commonjs', 'module', undefined])(
  'plans in a project of type %s',
  { timeout: 60_000 },
  (type) => {
    const file = join(project, 'package.json');
    const before = readFileSync(file, 'utf8');
    try {
      writeFileSync(file, JSON.stringify({ ...JSON.parse(before), type }));
      const ran = sh(
        `echo '{"millrace":"registry","definitions":[]}' > empty.json
npx millrace plan features.ts --against empty.json`,
        project,
      );
      expect(ran.stderr).toBe('');
      expect(ran.stdout).toMatch(/5 to create, 0 to revise, 0 unchanged\n$/);
    } finally {
      writeFileSync(file, before);
    }
  },
);

const RESOLUTIONS = [
  ['nodenext', 'nodenext', 'module'],
  ['nodenext', 'nodenext', 'commonjs'],
  ['esnext', 'bundler', 'commonjs'],
  ['preserve', 'bundler', 'module'],
] as const;

test.each(RESOLUTIONS)(
  'types: module %s, moduleResolution %s, a project of type %s',
  (module, moduleResolution, type) => {
    const at = join(project, `types-${module}-${moduleResolution}-${type}`);
    mkdirSync(at);
    writeFileSync(join(at, 'package.json'), JSON.stringify({ type }));
    copyFileSync(join(project, 'features.ts'), join(at, 'features.ts'));
    writeFileSync(
      join(at, 'client.ts'),
      `import { connect } from 'millrace/client';
import { airportDelays } from './features.js';
const client = connect({ address: '127.0.0.1:1' });
export const read = async () => (await client.row(airportDelays, { origin: 'ATL' })).delay_avg_1d;
`,
    );
    writeFileSync(
      join(at, 'wrong.ts'),
      `import { entity } from 'millrace';
import { airportDelays } from './features.js';
export const a = airportDelays.pick('nope');
export const b = entity({ name: 'x', keys: { k: 'strng' } });
`,
    );
    const compile = (file: string): string => {
      const compilerOptions = {
        ...{ module, moduleResolution, strict: true, noEmit: true, target: 'es2023', types: [] },
      };
      writeFileSync(join(at, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }));
      return spawnSync(process.execPath, [TSC, '-p', at], { encoding: 'utf8' }).stdout;
    };
    expect(compile('client.ts')).toBe('');
    // The types are those of the definitions, not `any`.
    expect(compile('wrong.ts').match(/wrong\.ts\(\d+/g)).toEqual(['wrong.ts(3', 'wrong.ts(4']);
  },
);

test('the entries run in any program, as modules and with require', () => {
  const program = `import { entity } from 'millrace'; import { connect } from 'millrace/client'; console.log(typeof entity, typeof connect, typeof (await import('node:module')).createRequire(import.meta.url)('millrace').entity)`;
  writeFileSync(join(project, 'entries.mjs'), program);
  expect(sh('node entries.mjs', project).stdout).toBe('function function function\n');
});

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'a server stops when the npx that started it gets %s',
  async (signal) => {
    const { pid, child } = await serve();
    child.kill(signal);
    await gone(pid);
  },
);

test('Ctrl-C, which every process of a terminal gets, drains the server', async () => {
  const { pid, child } = await serve(project, true);
  process.kill(-(child.pid as number), 'SIGINT');
  await gone(pid);
  expect(readdirSync(join(project, 'data'))).not.toContain('millrace.db-wal');
});
