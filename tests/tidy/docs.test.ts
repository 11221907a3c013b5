/** What the pages name exists: errors, commands, flags, scripts, paths, metrics, routes, links. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { ERRORS } from '#domain/errors.ts';
import { createProgram } from '#gateways/cli/program.ts';
import { code, files, isTest, pages, read, root, SKIPPED } from './files.ts';
import { blocks, codeOf, proseOf } from './pages.ts';

const program = await createProgram();
const commands = new Map(program.commands.map((command) => [command.name(), command]));
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

const folders = readdirSync(root).filter(
  (name) => !name.startsWith('.') && !SKIPPED.has(name) && statSync(join(root, name)).isDirectory(),
);

/** What `named` finds in the code of each page and `exists` refuses, as "page: name". */
const missing = (
  named: (code: string) => readonly string[],
  exists: (name: string) => boolean,
): { readonly seen: number; readonly unknown: readonly string[] } => {
  const all = pages.flatMap((file) =>
    codeOf(file).flatMap((text) => named(text).map((name) => ({ file, name }))),
  );
  const unknown = all.filter(({ name }) => !exists(name));
  return { seen: all.length, unknown: unknown.map(({ file, name }) => `${file}: ${name}`) };
};

test('every error code is documented, and every documented code exists', () => {
  const documented = new Set(read('docs/ERRORS.md').match(/MR_[A-Z_]+/g));
  expect([...documented].sort()).toEqual(Object.keys(ERRORS).sort());
  // The functions of Millrace's Flink SQL have the same prefix.
  const functions = new Set(read('domain/sql/flink/java-functions.ts').match(/MR_[A-Z_]*[A-Z]/g));
  const named = pages.flatMap((file) =>
    (read(file).match(/MR_[A-Z_]*[A-Z](?![A-Z_(])/g) ?? []).map((name) => ({ file, name })),
  );
  expect(named.filter(({ name }) => !(name in ERRORS) && !functions.has(name))).toEqual([]);
});

test('every folder at the top is in the architecture page', () => {
  const page = read('docs/ARCHITECTURE.md');
  expect(folders.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

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
    const other = [...text.matchAll(/npm run ([a-z:-]+)/g)].flatMap(([all, name]) =>
      (name as string) in scripts ? [] : [`${file}: ${all}`],
    );
    return [...millrace, ...npm, ...other];
  });
  expect(unknown).toEqual([]);
  expect(seen).toBeGreaterThan(20);
});

const FLAG = /(?<![\w-])--[a-z][a-z0-9-]*/g;

/** Flags in the docs that belong to other programs. */
const FOREIGN: Readonly<Record<string, string>> = {
  '--max-requests': 'feast serve',
  '--max-old-space-size': 'node',
  '--no-access-log': 'feast serve',
  '--prefix': 'npx',
};

const optionsOf = (command: Command): readonly string[] =>
  command.options.flatMap(({ long }) => (typeof long === 'string' ? [long] : []));

const allOptions = (command: Command): readonly string[] => [
  ...optionsOf(command),
  ...command.commands.flatMap(allOptions),
];

/** The flags after `millrace COMMAND [CHILD]` in a text that the command does not have. */
const unknownFlags = (text: string): readonly string[] =>
  [...text.matchAll(/(?<![\w/.-])millrace ([a-z]+)(?: ([a-z]+)\b)?([^|#;&]*)/g)].flatMap(
    ([, name, child, rest]) => {
      const command = commands.get(name as string);
      if (command === undefined) return [];
      const inner = command.commands.find((c) => c.name() === child);
      // Without a child's name the text may mean any of them.
      const known = new Set([
        '--help',
        ...Object.keys(FOREIGN),
        ...optionsOf(program),
        ...(inner === undefined ? allOptions(command) : optionsOf(inner)),
      ]);
      return ((rest as string).match(FLAG) ?? [])
        .filter((flag) => !known.has(flag))
        .map((flag) => `${name}${inner === undefined ? '' : ` ${child}`} ${flag}`);
    },
  );

test('every flag in the docs is one of its command, or of a program that is named here', () => {
  const known = new Set([
    '--help',
    '--version',
    ...Object.keys(FOREIGN),
    ...allOptions(program),
    // The flags that the demo and the scripts read themselves.
    ...['examples/flights/demo.ts', ...code.filter((file) => /^(scripts|bench)\//.test(file))]
      .flatMap((file) => [...read(file).matchAll(/'(--[a-z-]+)'/g)])
      .map(([, flag]) => flag as string),
  ]);
  const { seen, unknown } = missing(
    (text) => text.match(FLAG) ?? [],
    (flag) => known.has(flag),
  );
  expect(unknown).toEqual([]);
  expect(missing(unknownFlags, () => false).unknown).toEqual([]);
  expect(seen).toBeGreaterThan(50);
  const text = pages.flatMap(codeOf).join('\n');
  expect(Object.keys(FOREIGN).filter((flag) => !text.includes(flag))).toEqual([]);
});

test('every path in the docs exists', () => {
  const PATH = new RegExp(`(?<![\\w./@-])(?:${folders.join('|')})/[\\w./*-]*[\\w*]`, 'g');
  const MEDIA_TYPE = /^application\/(json|x-ndjson|vnd\.apache\.arrow\.stream)$/;
  // A file may be named without the rest of its name: `tests/laws/tile-store.law`.
  const exists = (path: string): boolean => {
    const text = path.replaceAll('.', '\\.').replaceAll('*', '[^/]*');
    const pattern = new RegExp(`^${text}([./]|$)`);
    return MEDIA_TYPE.test(path) || files.some((file) => pattern.test(file));
  };
  const { seen, unknown } = missing((text) => text.match(PATH) ?? [], exists);
  expect(unknown).toEqual([]);
  expect(seen).toBeGreaterThan(50);
});

test('every metric in the docs is one that the server has', () => {
  // The facets of our OpenLineage events have the same prefix, and are property names.
  const names = new Set(
    code
      .filter((file) => !isTest(file))
      .flatMap((file) => [...read(file).matchAll(/'(millrace_[a-z_]+)'|\b(millrace_[a-z_]+):/g)])
      .map(([, quoted, property]) => (quoted ?? property) as string),
  );
  const { seen, unknown } = missing(
    (text) => text.match(/\bmillrace_[a-z_]*[a-z]/g) ?? [],
    (name) => names.has(name) || names.has(name.replace(/_(bucket|count|sum)$/, '')),
  );
  expect(unknown).toEqual([]);
  expect(seen).toBeGreaterThan(5);
});

test('every route in the docs is one that the gateway has', () => {
  const routes = code
    .filter((file) => /^gateways\/(http|feast)\//.test(file) && !isTest(file))
    .flatMap((file) => [...read(file).matchAll(/'(\/v1\/[\w/:-]+)'/g)])
    .map(([, route]) => (route as string).split('/'));
  const exists = (path: string): boolean => {
    const parts = path.split('/');
    return routes.some(
      (route) =>
        route.length === parts.length &&
        route.every((part, i) => part.startsWith(':') || part === parts[i]),
    );
  };
  const { seen, unknown } = missing(
    (text) => (text.match(/(?<!api)\/v1\/[\w/{}:-]*[\w}]/g) ?? []).map(String),
    exists,
  );
  expect(unknown).toEqual([]);
  expect(seen).toBeGreaterThan(20);
});

/** The anchor that GitHub gives a heading. */
const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

test('links in the docs lead somewhere', () => {
  const anchors = (file: string): readonly string[] =>
    [...proseOf(file).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading as string));
  const broken = pages.flatMap((file) =>
    [...proseOf(file).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].flatMap(
      ([all, target, anchor]) => {
        const page = target === '' ? file : join(dirname(file), target as string);
        const good =
          existsSync(join(root, page)) && (anchor === undefined || anchors(page).includes(anchor));
        return good ? [] : [`${file}: ${all}`];
      },
    ),
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
