/**
 * No file imports itself through others, type imports included: the files can be read one after
 * the other. Gateways are layers: shared parts, then HTTP and gRPC, then Feast, then the command
 * line.
 */
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { code, isTest, read } from './files.ts';

/** Written by a generator, which imports in a circle. */
const GENERATED = 'gateways/grpc/generated/';

const sources = new Set(code.filter((file) => !file.startsWith(GENERATED)));

const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*'([#.][^']+)'/g;

const importsOf = (file: string): readonly string[] =>
  [...read(file).matchAll(IMPORT)]
    .map(([, path]) => path as string)
    .map((path) => (path.startsWith('#') ? path.slice(1) : join(dirname(file), path)))
    .filter((path) => sources.has(path));

type Graph = ReadonlyMap<string, readonly string[]>;

/** All files that a depth-first search from the imports of `start` gets to. */
const reachable = (graph: Graph, start: string): ReadonlySet<string> => {
  const found = new Set<string>();
  const visit = (file: string): void => {
    for (const next of graph.get(file) ?? []) {
      if (found.has(next)) continue;
      found.add(next);
      visit(next);
    }
  };
  visit(start);
  return found;
};

/** Each group of files that import each other in a circle, as one text. */
const cyclesOf = (graph: Graph): readonly string[] => {
  const all = new Map([...graph.keys()].map((file) => [file, reachable(graph, file)]));
  const groups = [...all].flatMap(([file, found]) =>
    found.has(file)
      ? [
          [...found]
            .filter((other) => all.get(other)?.has(file))
            .sort()
            .join(' '),
        ]
      : [],
  );
  return [...new Set(groups)].sort();
};

const graph = new Map([...sources].sort().map((file) => [file, importsOf(file)]));

test('the search finds cycles', () => {
  const edges = new Map([
    ['a', ['b', 'd']],
    ['b', ['c']],
    ['c', ['a']],
    ['d', ['d']],
    ['e', ['a']],
  ]);
  expect(cyclesOf(edges)).toEqual(['a b c', 'd']);
  expect([...graph.values()].flat().length).toBeGreaterThan(2_000);
});

test('no import cycles', () => {
  expect(cyclesOf(graph)).toEqual([]);
});

test('gateways import downwards only', () => {
  const LAYERS = [
    /^gateways\/(shared|logging)\//,
    /^gateways\/(http|grpc)\//,
    /^gateways\/feast\//,
  ];
  const above = (file: string): number => {
    const layer = LAYERS.findIndex((pattern) => pattern.test(file));
    return layer < 0 ? LAYERS.length : layer;
  };
  const folder = (file: string): string => file.split('/')[1] as string;
  const wrong = [...graph]
    .filter(([file]) => file.startsWith('gateways/') && !isTest(file))
    .flatMap(([file, imports]) =>
      imports
        .filter((path) => path.startsWith('gateways/') && folder(path) !== folder(file))
        .filter((path) => above(path) > above(file) || (above(path) === 1 && above(file) === 1))
        .map((path) => `${file} → ${path}`),
    );
  expect(wrong).toEqual([]);
});
