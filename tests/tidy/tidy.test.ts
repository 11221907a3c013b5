/** The repository under test: what the design asks of its files, held by reading them. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ERRORS } from '#domain/errors.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const SKIPPED = new Set(['node_modules', '.tools', '.venv', '.git', 'data', 'coverage', '.millrace']);

const walk = (directory: string): string[] =>
  readdirSync(directory).flatMap((name) => {
    if (SKIPPED.has(name)) return [];
    const path = join(directory, name);
    return statSync(path).isDirectory() ? walk(path) : [relative(root, path)];
  });
const files = walk(root);
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const code = files.filter((file) => /\.(ts|mjs)$/.test(file));
const isTest = (file: string): boolean => file.startsWith('tests/') || /\.test\.ts$/.test(file) || file.startsWith('bench/');

/** Lines of `files` that match, as file:line. */
const found = (list: readonly string[], pattern: RegExp): string[] =>
  list.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, i) => (pattern.test(line) ? [`${file}:${i + 1} ${line.trim().slice(0, 100)}`] : [])),
  );

test('domain has no clock, no randomness, no process', () => {
  const domain = code.filter((file) => file.startsWith('domain/') && !isTest(file));
  expect(found(domain, /Date\.now\(|new Date\(\)|Math\.random\(|\bprocess\.|performance\./)).toEqual([]);
});

test('domain imports nothing of the other folders', () => {
  const domain = code.filter((file) => file.startsWith('domain/') && !isTest(file));
  expect(found(domain, /from '(#(commands|projections|gateways|infra|tests)\/|node:)/)).toEqual([]);
});

test('only profiles wire infra to commands and gateways', () => {
  const infra = code.filter((file) => file.startsWith('infra/') && !file.startsWith('infra/profiles/') && !isTest(file));
  expect(found(infra, /from '#(commands|gateways)\//)).toEqual([]);
  const above = code.filter((file) => /^(commands|projections)\//.test(file) && !isTest(file));
  expect(found(above, /from '#(gateways|infra)\//)).toEqual([]);
});

/** Longer than the rest, each for a reason. */
const LONG: Readonly<Record<string, string>> = {
  'domain/ports/platform.ts': 'every shape that users are promised, in one place',
  'infra/profiles/embedded.ts': 'a profile is one file that wires everything',
  'gateways/support/fake-platform.ts': 'one fake of the whole platform, for the gateways’ tests',
};

test('files are one idea each', () => {
  const long = code
    .filter((file) => !isTest(file) && !(file in LONG))
    .map((file) => ({ file, lines: read(file).split('\n').length }))
    .filter(({ lines }) => lines > 300);
  expect(long).toEqual([]);
});

test('no loose ends: silenced types, lone tests, promised work', () => {
  const self = 'tests/tidy/tidy.test.ts';
  const rest = code.filter((file) => file !== self);
  expect(found(rest, /@ts-ignore|\.(only|todo)\(|\bTODO\b|\bFIXME\b/)).toEqual([]);
});

test('no host of a registry, no path of a machine', () => {
  const self = 'tests/tidy/tidy.test.ts';
  const text = files.filter((file) => file !== self && !/\.(parquet|png)$/.test(file));
  expect(found(text, /registry\.npmjs|repo1?\.maven|pypi\.org|\/root\/|\/work\//)).toEqual([]);
});

test('every error code is documented, and every documented code exists', () => {
  const documented = new Set(read('docs/ERRORS.md').match(/MR_[A-Z_]+/g));
  expect([...documented].sort()).toEqual(Object.keys(ERRORS).sort());
});

test('every folder at the top is in the architecture page', () => {
  const page = read('docs/ARCHITECTURE.md');
  const folders = readdirSync(root).filter(
    (name) => !name.startsWith('.') && !SKIPPED.has(name) && statSync(join(root, name)).isDirectory(),
  );
  expect(folders.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test('docs quote regions of files that the tests run', () => {
  const quotes = files
    .filter((file) => file.endsWith('.md'))
    .flatMap((file) =>
      [...read(file).matchAll(/<!-- from (\S+)#(\w+) -->\n```\w*\n([\s\S]*?)```/g)].map(([, source, region, text]) => ({
        file,
        source: source as string,
        region,
        text,
      })),
    );
  for (const { file, source, region, text } of quotes) {
    const body = new RegExp(`// #region ${region}\\n([\\s\\S]*?)// #endregion`).exec(read(source))?.[1];
    expect(text, `${file} quotes ${source}#${region}`).toBe(body);
  }
  expect(quotes.length).toBeGreaterThan(0);
});
