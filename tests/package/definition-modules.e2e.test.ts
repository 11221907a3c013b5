/**
 * Files of definitions of every kind of module, in projects of every type, below no package.json,
 * or below one that `npm init` wrote.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const READ_FILES = fileURLToPath(new URL('./read-files.ts', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));

const define = (name: string) => `entity({ name: '${name}', keys: { k: 'string' } })`;
const module = (name: string, more = '') =>
  `import { entity } from 'millrace';\n${more}\nexport const ${name} = ${define(name)};\n`;
const IMPORTS = [
  "import { whole } from './whole.ts';",
  "import { ending } from './ending';",
  "import { built } from './built.js';",
  "import { inner } from './folder';",
  'export { whole, ending, built, inner };',
].join('\n');
const typed = (text: string) =>
  `${text}\nimport type { Definition } from 'millrace';\nexport const list: readonly Definition[] = [];\n`;
/** @param local a module that no other file loads before */
const required = (local: string) => `const { entity } = require('millrace');
const { ${local} } = require('./${local}.ts');
module.exports = { own: ${define('own')}, ${local} };
`;

/** Files that others import. */
const LOCAL: Readonly<Record<string, string>> = {
  'whole.ts': module('whole', 'export type Text = string;'),
  'ending.ts': module('ending'),
  'built.ts': module('built'),
  'folder/index.ts': module('inner'),
  'first.ts': module('first'),
  'second.ts': module('second'),
};
const ALL = 'built ending inner own whole';

const OK: Readonly<Record<string, readonly [text: string, names: string]>> = {
  'module.ts': [typed(module('own', IMPORTS)), ALL],
  'module.mts': [typed(module('own', IMPORTS)), ALL],
  'module.cts': [typed(module('own', IMPORTS)), ALL],
  'module.js': [module('own', IMPORTS), ALL],
  'module.mjs': [module('own', IMPORTS), ALL],
  'module.cjs': [module('own', IMPORTS), ALL],
  'required.cjs': [required('first'), 'first own'],
  'required.cts': [required('second'), 'own second'],
  'listed.ts': [
    `import { entity } from 'millrace';\nexport default [${define('a')}, ${define('b')}];\n`,
    'a b',
  ],
  'collected.mts': [
    `import { entity } from 'millrace';\nexport default { a: ${define('a')}, window: '1d' };\n`,
    'a',
  ],
};

const REFUSED: Readonly<Record<string, readonly [text: string, message: RegExp]>> = {
  'enum.ts': [
    'enum Size { small }\nexport {};\n',
    /enum\.ts:1 does not parse or import: .*enum.*: types are left out when the file runs, so write/,
  ],
  'type.ts': [
    "import { Text } from './whole.ts';\nexport const a: Text = 1;\n",
    /does not provide an export named 'Text': if "Text" is a type, write `import type`$/,
  ],
  'builder.ts': [
    "import { entty } from 'millrace';\nexport const a = entty({});\n",
    /does not provide an export named 'entty'; did you mean "entity"\?$/,
  ],
  'package.ts': [
    "import lodash from 'lodash';\nexport const a = lodash;\n",
    /package\.ts failed: Cannot find package 'lodash'.*: install it with `npm install lodash`$/,
  ],
  'missing.ts': [
    "import { a } from './nowhere';\nexport { a };\n",
    /missing\.ts failed: Cannot find module '.*nowhere' imported from .*missing\.ts$/,
  ],
  'syntax.ts': ['export const a = {;\n', /syntax\.ts:1 does not parse or import: /],
  'nothing.ts': ["export const window = '1d';\n", /exports no definitions: export the results of/],
  'page.tsx': ['export {};\n', /is no file of definitions: these end with \.ts, .* or \.json$/],
};

describe.each([
  ['no package.json', null],
  ['a package.json without a type', {}],
  ['"type": "commonjs"', { type: 'commonjs' }],
  ['"type": "module"', { type: 'module' }],
])('in a project with %s', (_, packageJson) => {
  let directory: string;
  const read = new Map<string, string>();
  let stderr: string;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'millrace-modules-'));
    mkdirSync(join(directory, 'folder'));
    if (packageJson !== null)
      writeFileSync(join(directory, 'package.json'), JSON.stringify(packageJson));
    const files = [...Object.entries(OK), ...Object.entries(REFUSED)];
    for (const [name, text] of Object.entries(LOCAL)) writeFileSync(join(directory, name), text);
    for (const [name, [text]] of files) writeFileSync(join(directory, name), text);
    const ran = spawnSync(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        READ_FILES,
        ...files.map(([name]) => join(directory, name)),
      ],
      { cwd: root, encoding: 'utf8' },
    );
    stderr = ran.stderr;
    for (const [file, names] of JSON.parse(ran.stdout) as [string, string][])
      read.set(basename(file), names);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test.each(Object.entries(OK).map(([name, [, names]]) => [name, names]))('%s', (name, names) => {
    expect(read.get(name as string)).toBe(names);
  });
  test.each(Object.entries(REFUSED).map(([name, [, message]]) => ({ name, message })))(
    '$name is refused, in one line that says what to do',
    ({ name, message }) => {
      expect(read.get(name)).toMatch(message);
      expect(read.get(name)).not.toContain('\n');
    },
  );
  test('without warnings', () => expect(stderr).toBe(''));
});
