/**
 * Builds what the package has beside the entries in `lib`: the sources as JavaScript, their type
 * declarations, the files that they load, and the sources of the Java module. Node runs no
 * TypeScript below node_modules. `npm pack` builds before it packs, and removes the result after.
 *
 * Types are only stripped, so each line of a built file is the line of its source.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const lib = join(root, 'lib');
const FOLDERS = [
  'domain',
  'application',
  'commands',
  'projections',
  'gateways',
  'client',
  'infra',
] as const;
/** In the repository; all else in `lib` is built. */
const ENTRIES: readonly string[] = ['index.js', 'index.d.ts', 'client.js', 'client.d.ts'];

/** `#domain/…` stays as it is: `imports` of the built package.json maps it. */
const withBuiltNames = (text: string): string =>
  text.replace(/((?:from|import)\s*\(?\s*(['"])\.[^'"]*)\.ts\2/g, '$1.js$2');

const write = (file: string, text: string): void => {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
};

const javaScript = (): void => {
  for (const folder of FOLDERS) {
    for (const file of globSync(`${folder}/**/*.*`, { cwd: root })) {
      if (file.endsWith('.test.ts')) continue;
      const [from, to] = [join(root, file), join(lib, file)];
      if (!file.endsWith('.ts')) {
        cpSync(from, to, { recursive: true });
        continue;
      }
      const text = withBuiltNames(stripTypeScriptTypes(readFileSync(from, 'utf8')));
      write(to.replace(/\.ts$/, '.js'), text);
    }
  }
};

/** Only of what the entries export: no one imports the rest. */
const declarations = (): void => {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const options = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly'];
  const config = join(lib, 'tsconfig.json');
  write(
    config,
    JSON.stringify({
      extends: '../tsconfig.json',
      compilerOptions: { rootDir: '..', outDir: '.', noEmit: false },
      include: [],
      files: ['../domain/definitions/index.ts', '../client/index.ts'],
    }),
  );
  const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', config, ...options], {
    cwd: root,
    encoding: 'utf8',
  });
  rmSync(config);
  if (status !== 0) throw new Error(`the declarations do not compile:\n${stdout}${stderr}`);
  for (const file of globSync('**/*.d.ts', { cwd: lib }))
    if (!ENTRIES.includes(file))
      write(join(lib, file), withBuiltNames(readFileSync(join(lib, file), 'utf8')));
};

export const removePackage = (): void => {
  // First, so that the entries are those of the clone again.
  rmSync(join(lib, 'package.json'), { force: true });
  for (const name of readdirSync(lib))
    if (!ENTRIES.includes(name)) rmSync(join(lib, name), { recursive: true });
};

export const buildPackage = (): void => {
  removePackage();
  javaScript();
  declarations();
  for (const part of ['pom.xml', 'src/main'])
    cpSync(join(root, 'java', part), join(lib, 'java', part), { recursive: true });
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  const imports = FOLDERS.map((folder) => [`#${folder}/*.ts`, `./${folder}/*.js`]);
  write(
    join(lib, 'package.json'),
    `${JSON.stringify({ version, type: 'module', imports: Object.fromEntries(imports) }, null, 2)}\n`,
  );
};

if (process.argv[1] === import.meta.filename) {
  if (process.argv[2] === 'remove') removePackage();
  else buildPackage();
}
