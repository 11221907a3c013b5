/** The repository under test: what the design asks of its files, held by reading them. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ERRORS } from '#domain/errors.ts';
import { createProgram } from '#gateways/cli/program.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const SKIPPED = new Set([
  'node_modules',
  '.tools',
  '.venv',
  '.venv-feast',
  '.venv-openlineage',
  '.venv-grpc',
  '.git',
  'data',
  'coverage',
  '.millrace',
  'target',
]);

const walk = (directory: string): string[] =>
  readdirSync(directory).flatMap((name) => {
    if (SKIPPED.has(name)) return [];
    const path = join(directory, name);
    return statSync(path).isDirectory() ? walk(path) : [relative(root, path)];
  });
const files = walk(root);
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const code = files.filter((file) => /\.(ts|mjs)$/.test(file));
const pages = files.filter((file) => file.endsWith('.md'));
const isTest = (file: string): boolean =>
  file.startsWith('tests/') || /\.test\.ts$/.test(file) || file.startsWith('bench/');

/** Lines of `files` that match, as file:line. */
const found = (list: readonly string[], pattern: RegExp): string[] =>
  list.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, i) =>
        pattern.test(line) ? [`${file}:${i + 1} ${line.trim().slice(0, 100)}`] : [],
      ),
  );

test('domain has no clock, no randomness, no process', () => {
  const domain = code.filter((file) => file.startsWith('domain/') && !isTest(file));
  expect(
    found(
      domain,
      /Date\.now\(|new Date\(\)|Math\.random\(|randomUUID|\bprocess\.|performance\.|set(Timeout|Interval)\(|\bfetch\(/,
    ),
  ).toEqual([]);
});

test('domain imports nothing of the other folders', () => {
  const domain = code.filter((file) => file.startsWith('domain/') && !isTest(file));
  expect(found(domain, /from '(#(commands|projections|gateways|infra|tests)\/|node:)/)).toEqual([]);
});

test('only profiles wire infra to commands and gateways', () => {
  const infra = code.filter(
    (file) => file.startsWith('infra/') && !file.startsWith('infra/profiles/') && !isTest(file),
  );
  expect(found(infra, /from '#(commands|gateways)\//)).toEqual([]);
  const above = code.filter((file) => /^(commands|projections)\//.test(file) && !isTest(file));
  expect(found(above, /from '#(gateways|infra)\//)).toEqual([]);
  const gateways = code.filter((file) => file.startsWith('gateways/') && !isTest(file));
  expect([...new Set(found(gateways, /['"]#infra\//).map((line) => line.split(':')[0]))]).toEqual([
    'gateways/cli/commands/serve.ts',
    'gateways/cli/commands/stack.ts',
  ]);
});

/**
 * Not adapters: shared technical code without a port, the profiles that wire adapters, and the
 * development runner of servers, which is a tool: it uses clients of Flink and Kafka to see whether
 * they are up.
 */
const NOT_ADAPTERS = ['shared', 'profiles', 'stack'];
/** Imports that are left to be removed: adapter folder → what it still imports. */
const ADAPTER_IMPORTS_LEFT: Readonly<Record<string, readonly string[]>> = {
  flink: ['iceberg'],
  iceberg: ['sqlite'],
  'training-sets': ['iceberg'],
};
const PROJECTION_IMPORTS_LEFT: Readonly<Record<string, readonly string[]>> = {
  'training-sets': ['catalog', 'late', 'skew'],
};

/** Every path of the project that a file imports, from the root. */
const importsOf = (file: string): readonly string[] =>
  [...read(file).matchAll(/(?:from|import\(?) ?'((?:#|\.\.?\/)[^']+)'/g)].map(([, path]) =>
    (path as string).startsWith('#')
      ? (path as string).slice(1)
      : join(dirname(file), path as string),
  );

/** By adapter folder of infra: the folders below `root` that its files import. */
const importsOfAdapters = (root: string): Readonly<Record<string, readonly string[]>> => {
  const all = new Map<string, Set<string>>();
  for (const file of code) {
    const [top, folder] = file.split('/') as [string, string];
    if (top !== 'infra' || NOT_ADAPTERS.includes(folder) || isTest(file)) continue;
    for (const path of importsOf(file)) {
      const [of, imported] = path.split('/') as [string, string];
      if (of !== root || (root === 'infra' && [folder, 'shared'].includes(imported))) continue;
      all.set(folder, (all.get(folder) ?? new Set()).add(imported));
    }
  }
  return Object.fromEntries([...all].map(([folder, found]) => [folder, [...found].sort()]));
};

test('an adapter imports no other adapter', () => {
  expect(importsOfAdapters('infra')).toEqual(ADAPTER_IMPORTS_LEFT);
});

test('an adapter imports no projection: what it needs is in a port, or in the domain', () => {
  expect(importsOfAdapters('projections')).toEqual(PROJECTION_IMPORTS_LEFT);
});

/** Longer than the rest, each for a reason. */
const LONG: Readonly<Record<string, string>> = {
  'domain/ports/platform.ts': 'every shape that users are promised, in one place',
  'infra/profiles/assemble.ts': 'what every profile wires in the same way, in one file',
  'application/authorization/guard.ts': 'to be split: it grew when lines were cut to 100 columns',
  'commands/feature-log/feature-log.ts': 'to be split: it grew when lines were cut to 100 columns',
  'domain/definitions/parse.ts': 'to be split: it grew when lines were cut to 100 columns',
  'domain/registry/decide.ts': 'to be split: it grew when lines were cut to 100 columns',
  'gateways/http/schemas.ts': 'to be split: it grew when lines were cut to 100 columns',
  'infra/training-sets/datasets.ts': 'to be split: it grew when lines were cut to 100 columns',
  'infra/kafka/transactor.ts': 'to be split: it grew when lines were cut to 100 columns',
  'infra/profiles/stack.ts': 'to be split: it grew when lines were cut to 100 columns',
  'projections/serving/read-plan.ts': 'to be split: it grew when lines were cut to 100 columns',
  'projections/serving/read.ts': 'to be split: it grew when lines were cut to 100 columns',
  'tests/support/fake-platform.ts': 'one fake of the whole platform, for the gateways’ tests',
};

test('files are one idea each', () => {
  const long = code
    .filter((file) => !isTest(file) && !(file in LONG))
    .map((file) => ({ file, lines: read(file).split('\n').length }))
    .filter(({ lines }) => lines > 300);
  expect(long).toEqual([]);
  const noLongerLong = Object.keys(LONG).filter(
    (file) => !code.includes(file) || read(file).split('\n').length <= 300,
  );
  expect(noLongerLong).toEqual([]);
});

const self = 'tests/tidy/tidy.test.ts';

test('every value has a type', () => {
  const typed = code.filter((file) => file.endsWith('.ts') && !isTest(file));
  expect(found(typed, /(:|\bas|=>|[<,|&]) ?any\b *([;,)=>|&[\]{]|$)/)).toEqual([]);
});

test('a test that may be skipped says why', () => {
  const unexplained = code
    .filter((file) => file !== self)
    .flatMap((file) => {
      const lines = read(file).split('\n');
      return lines.flatMap((line, i) => {
        const skips = /\b(test|it|describe)\.(skip|skipIf|runIf)\(/.test(line);
        const explained =
          /\/\/|\*\//.test(lines[i - 1] ?? '') ||
          lines.slice(Math.max(0, i - 3), i).some((l) => /console\.\w+\(/.test(l));
        return skips && !explained ? [`${file}:${i + 1}`] : [];
      });
    });
  expect(unexplained).toEqual([]);
});

test('no loose ends: silenced types, lone tests, promised work', () => {
  const rest = code.filter((file) => file !== self);
  expect(found(rest, /@ts-ignore|\.(only|todo)\(|\bTODO\b|\bFIXME\b/)).toEqual([]);
});

test('no host of a registry, no path of a machine', () => {
  const text = files.filter((file) => file !== self && !/\.(parquet|png)$/.test(file));
  expect(
    found(text, /registry\.npmjs|repo1?\.maven|pypi\.org|\/root\/|\/work\/|\/home\/\w/),
  ).toEqual([]);
  expect(found(['package-lock.json'], /"resolved":/)).toEqual([]);
});

test('every error code is documented, and every documented code exists', () => {
  const documented = new Set(read('docs/ERRORS.md').match(/MR_[A-Z_]+/g));
  expect([...documented].sort()).toEqual(Object.keys(ERRORS).sort());
});

test('every folder at the top is in the architecture page', () => {
  const page = read('docs/ARCHITECTURE.md');
  const folders = readdirSync(root).filter(
    (name) =>
      !name.startsWith('.') && !SKIPPED.has(name) && statSync(join(root, name)).isDirectory(),
  );
  expect(folders.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

/** The fenced blocks of a page: what precedes it (a marker, or nothing), its language, its text. */
const blocks = (
  file: string,
): { file: string; marker: string | undefined; language: string; text: string }[] =>
  [...read(file).matchAll(/(?:<!-- from (\S+#\w+) -->\n)?```(\w*)\n([\s\S]*?)```/g)].map(
    ([, marker, language, text]) => ({
      file,
      marker,
      language: language as string,
      text: text as string,
    }),
  );

test('TypeScript in the docs is quoted from regions of files that the tests run', () => {
  const quotes = pages.flatMap(blocks).filter(({ language }) => language === 'ts');
  expect(quotes.filter(({ marker }) => marker === undefined)).toEqual([]);
  for (const { file, marker, text } of quotes) {
    const [source, region] = (marker as string).split('#') as [string, string];
    const body = new RegExp(`// #region ${region}\\n([\\s\\S]*?)// #endregion`).exec(
      read(source),
    )?.[1];
    expect(text, `${file} quotes ${marker}`).toBe(body);
  }
  expect(quotes.length).toBeGreaterThan(0);
});

test('every command in the docs is one that there is', () => {
  const commands = new Map(createProgram().commands.map((command) => [command.name(), command]));
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const benches = readdirSync(join(root, 'bench'));
  let seen = 0;
  const unknown = pages.flatMap((file) => {
    const text = read(file);
    const millrace = [...text.matchAll(/(?:npx |`)millrace ([a-z]+)(?: ([a-z]+)\b)?/g)].flatMap(
      ([all, name, child]) => {
        seen++;
        const command = commands.get(name as string);
        if (command === undefined) return name === 'help' ? [] : [`${file}: ${all}`];
        const children = command.commands.map((c) => c.name());
        return child === undefined || children.length === 0 || children.includes(child)
          ? []
          : [`${file}: ${all}`];
      },
    );
    const npm = [
      ...text.matchAll(/npm (?:run )?(demo|test|check|format|bench|millrace)\b(?: ([a-z-]+))?/g),
    ].flatMap(([all, name, bench]) => {
      seen++;
      return (name as string) in scripts &&
        (name !== 'bench' || bench === undefined || benches.includes(`${bench}.ts`))
        ? []
        : [`${file}: ${all}`];
    });
    const other = [...text.matchAll(/npm run ([a-z-]+)/g)].flatMap(([all, name]) =>
      (name as string) in scripts ? [] : [`${file}: ${all}`],
    );
    return [...millrace, ...npm, ...other];
  });
  expect(unknown).toEqual([]);
  expect(seen).toBeGreaterThan(20);
});

test('links in the docs lead somewhere', () => {
  const broken = pages.flatMap((file) =>
    [...read(file).matchAll(/\]\(((?!https?:|#)[^)#\s]+)/g)]
      .map(([, target]) => target as string)
      .filter((target) => !existsSync(join(root, dirname(file), target)))
      .map((target) => `${file}: ${target}`),
  );
  expect(broken).toEqual([]);
});

test('every dependency has its line of reason', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
    string,
    Record<string, string>
  >;
  const page = read('docs/decisions/0010-dependencies.md');
  const names = Object.keys({ ...dependencies, ...devDependencies }).filter(
    (name) => !name.startsWith('@types/'),
  );
  expect(
    names.filter((name) => !new RegExp(`(^\\| |, |\\| )${name}(,| \\|)`, 'm').test(page)),
  ).toEqual([]);
});
