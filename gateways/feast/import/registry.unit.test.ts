/** Where a registry is, and what is one: all else is refused with what to do. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { importProject } from './import.ts';
import { readRegistry } from './registry.ts';
import { findRegistry } from './repository.ts';

const root = mkdtempSync(join(tmpdir(), 'millrace-registry-'));
let at: string;
let count = 0;
beforeEach(() => {
  at = join(root, String(count++));
  mkdirSync(at);
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => rmSync(root, { recursive: true, force: true }));

const protos = loadSync('feast/core/Registry.proto', {
  includeDirs: [join(import.meta.dirname, '..', 'protos')],
});
const { serialize } = protos['feast.core.Registry'] as MessageTypeDefinition<object, object>;

const view = (project: string, ...types: readonly (string | number)[]): object => ({
  spec: {
    name: 'stats',
    project,
    entities: ['driver'],
    features: types.map((valueType, i) => ({ name: `f${i}`, valueType })),
    batchSource: { name: 'rows', timestampField: 'at' },
  },
});
const registry = (version: string, ...projects: readonly string[]): Uint8Array =>
  serialize({
    registrySchemaVersion: version,
    entities: projects.map((project) => ({
      spec: { name: 'driver', project, joinKey: 'driver_id', valueType: 'INT64' },
    })),
    featureViews: projects.map((project) => view(project, 'INT64', 99)),
    projects: projects.map((name) => ({ spec: { name } })),
  });

const write = (files: Readonly<Record<string, string | Uint8Array>>): void => {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(at, name), content);
};
const config = (registryText: string, project = 'p'): Record<string, string> => ({
  'feature_store.yaml': `project: ${project}\nprovider: local\nregistry: ${registryText}\n`,
});
const read = (path = '', project: string | null = null) =>
  readRegistry(findRegistry(join(at, path)), project);

test('a repository, its configuration or the registry itself; a path from the environment', () => {
  vi.stubEnv('REGISTRY_HERE', 'registry.db');
  const braced = ['$', '{REGISTRY_HERE}'].join('');
  write({ ...config(braced), 'registry.db': registry('1', 'p') });
  for (const path of ['', 'feature_store.yaml', 'registry.db']) {
    const found = read(path);
    expect([found.project, found.entities.map(({ name }) => name)]).toEqual(['p', ['driver']]);
  }
  write(config('{registry_type: file, path: $REGISTRY_HERE}'));
  expect(read().featureViews.length).toBe(1);
});

test('of several projects the one that is named', () => {
  write({ ...config('registry.db', 'b'), 'registry.db': registry('1', 'a', 'b') });
  expect([read().project, read('', 'a').project, read('registry.db', 'a').entities.length]).toEqual(
    ['b', 'a', 1],
  );
  expect(() => read('registry.db')).toThrow(/choose a project with --project: it has a, b/);
  expect(() => read('', 'c')).toThrow(/no project "c": it has a, b/);
});

test('fields of a newer Feast are passed over; a type that is newer is said to be lost', () => {
  const unknownField = Buffer.from([0xa2, 0x3e, 3, 1, 2, 3]);
  write({ 'registry.db': Buffer.concat([registry('1', 'p'), unknownField]) });
  const { definitions, notes } = importProject(read('registry.db'));
  expect(definitions.find(({ kind }) => kind === 'feature-view')).toMatchObject({
    features: { f0: { aggregation: 'last' } },
  });
  expect(notes.find(({ name }) => name === 'stats:f1')).toMatchObject({
    level: 'lost',
    reason: 'Millrace has no type number 99 (newer than this import)',
  });
});

test('no registry, and what to do', () => {
  expect(() => read('nowhere')).toThrow(/does not exist/);
  expect(() => read()).toThrow(/has no feature_store\.yaml/);
  mkdirSync(join(at, 'feature_repo'));
  write({ 'feature_repo/feature_store.yaml': '' });
  expect(() => read()).toThrow(/did you mean .*feature_repo\?/);
  write({ 'feature_store.yaml': 'a: [' });
  expect(() => read()).toThrow(/cannot be read/);
  write({ 'feature_store.yaml': '- a' });
  expect(() => read()).toThrow(/is not a mapping/);
  write({ 'feature_store.yaml': 'project: p' });
  expect(() => read()).toThrow(/names no registry/);
  write(config('gone.db'));
  expect(() => read()).toThrow(/gone\.db, which does not exist: run feast apply first/);
});

test('a registry elsewhere, and how to get a file of it', () => {
  write(config('s3://bucket/registry.db'));
  expect(() => read()).toThrow(/s3:\/\/bucket\/registry\.db is not on this machine: copy it here/);
  write(config("{registry_type: sql, path: 'postgresql://host/db'}"));
  expect(() => read()).toThrow(/only SQLite can be read, not postgresql: .*SerializeToString/);
  for (const type of ['snowflake.registry', 'remote']) {
    write(config(`{registry_type: ${type}, path: x}`));
    expect(() => read()).toThrow(new RegExp(`of type ${type} cannot be read: .*SerializeToString`));
  }
});

test('a file that is no registry, or a broken or a newer one', () => {
  const bytes = registry('1', 'p');
  write({
    'cut.db': bytes.subarray(0, bytes.length / 2),
    'text.db': 'not a registry at all',
    'empty.db': '',
    'next.db': registry('2', 'p'),
    'none.db': registry('1'),
    'text.sqlite': 'SQLite format 3\0 but no more',
  });
  expect(() => read('cut.db')).toThrow(/is not a Feast registry/);
  expect(() => read('text.db')).toThrow(/is not a Feast registry/);
  expect(() => read('empty.db')).toThrow(/is not a Feast registry: it has no schema version/);
  expect(() => read('next.db')).toThrow(/has the schema version 2; only version 1 is supported/);
  expect(() => read('none.db')).toThrow(/it is empty: run feast apply first/);
  expect(() => read('text.sqlite')).toThrow(/is not a Feast registry/);
});
