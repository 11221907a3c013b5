/** Adapters do not import each other, nor projections: profiles wire them. */
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { code, isTest, read } from './files.ts';

/**
 * Not adapters: shared technical code without a port, the profiles that wire adapters, and the
 * development runner of servers, which is a tool: it uses clients of Flink and Kafka to see whether
 * they are up.
 */
const NOT_ADAPTERS = ['shared', 'profiles', 'stack'];
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
  expect(importsOfAdapters('infra')).toEqual({});
});

test('an adapter imports no projection: what it needs is in a port, or in the domain', () => {
  expect(importsOfAdapters('projections')).toEqual({});
});
