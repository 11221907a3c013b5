/** Saved states in files: what is damaged is not used, and what is not current is not saved. */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { takeSnapshot } from '#domain/encoding/tile-snapshot.ts';
import type { FeatureStatus } from '#domain/plan/plan.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { createTileStore, type TileStore } from '#domain/tiles/tile-store.ts';
import type { Value } from '#domain/values/value.ts';
import { temporaryDirectory } from '#tests/contracts/sqlite.ts';
import { openSnapshots, removeStates, type Snapshots, verifyStates } from './snapshots.ts';

const PLATFORM = '5e0b6b0e-6e8c-4b52-9a2e-3d1f0c7a9b11';
const OTHER = '6e0b6b0e-6e8c-4b52-9a2e-3d1f0c7a9b12';
const T = Date.parse('2026-01-31T12:00:00Z');
const USERS = 300;

const plan = planView(
  {
    kind: 'feature-view',
    name: 'v',
    entity: 'user',
    source: 's',
    features: {
      n: { aggregation: 'count', input: null, window: '1d', hop: '1h' },
      newest: { aggregation: 'last', input: { op: 'col', name: 'x' } },
    },
  },
  {
    kind: 'source',
    name: 's',
    fields: { user: 'string', at: 'timestamp', x: 'double' },
    eventTime: 'at',
  },
  { kind: 'entity', name: 'user', keys: { user: 'string' } },
);

let directory: ReturnType<typeof temporaryDirectory>;
let state: string;
let warnings: string[];
let offset: number;

beforeEach(() => {
  offset = 0;
  directory = temporaryDirectory();
  state = join(directory.path, 'state');
  warnings = [];
});
afterEach(() => directory.remove());

const open = (platform = PLATFORM, at = state): Snapshots =>
  openSnapshots({ directory: at, platform, warn: (message) => void warnings.push(message) });

/** One event for each of these users, newer than those before. */
const count = (store: TileStore, users: Iterable<number>, x = 1): void => {
  for (const user of users) store.process({ user: `u${user}`, at: T, x }, T, 0, offset++, T);
  for (const group of store.groups) group.clearChanged();
};
const everybody = Array.from({ length: USERS }, (_, user) => user);

const save = (snapshots: Snapshots, store: TileStore, nextOffset: number): Promise<boolean> =>
  snapshots.save('v', 1, { store, nextOffset, isCurrent: () => true });

const NOTHING_LATER = () => ({ updates: [], applied: () => {} });

const restored = async (snapshots: Snapshots, end = 1_000): Promise<TileStore | null> => {
  const store = createTileStore(plan);
  const saved = await snapshots.load('v', 1, end);
  return saved?.restore(store, NOTHING_LATER) === true ? store : null;
};

const read = (store: TileStore, user: number): readonly Value[] | string => {
  const [values, status]: [Value[], FeatureStatus[]] = [[], []];
  const outcome = store.read(`u${user}`, T, values, status);
  return outcome === 'ok' ? values : outcome;
};

const filesIn = (at = state): readonly string[] => readdirSync(at).sort();
const partsFiles = (): readonly string[] => filesIn().filter((name) => name.endsWith('.parts'));

test('a save writes what has changed; a load reads a part when one of its entities is used', async () => {
  const store = createTileStore(plan);
  const snapshots = open();
  count(store, everybody);
  await save(snapshots, store, 300);
  const bytes = readFileSync(join(state, 'v.1.1.parts')).length;
  count(store, [7], 2);
  await save(snapshots, store, 301);
  expect(filesIn()).toEqual(['v.1.1.parts', 'v.1.2.parts', 'v.1.state']);
  expect(readFileSync(join(state, 'v.1.2.parts')).length).toBeLessThan(bytes / 20);

  const again = (await restored(open())) as TileStore;
  expect(again.entities).toBe(0);
  expect(again.parts.missingEntities).toBe(USERS);
  expect(read(again, 7)).toEqual([2, 2]);
  expect(again.entities).toBeLessThan(USERS);
  expect(again.entities + again.parts.missingEntities).toBe(USERS);
  expect(read(again, USERS)).toEqual([0, null]);
  for (const user of everybody) expect(read(again, user)).toEqual(user === 7 ? [2, 2] : [1, 1]);
  expect(again.parts.missing).toBe(0);
  expect(warnings).toEqual([]);
});

test('files are few: a state in many files is written anew', async () => {
  const store = createTileStore(plan);
  const snapshots = open();
  count(store, everybody);
  for (let i = 0; i < 70; i++) {
    count(store, [i], i + 2);
    await save(snapshots, store, 300 + i);
    expect(partsFiles().length).toBeLessThanOrEqual(32);
  }
  const again = (await restored(open())) as TileStore;
  for (const user of everybody)
    expect(read(again, user)).toEqual(user < 70 ? [2, user + 2] : [1, 1]);
});

test('a save that ends with other tiles leaves the files as they were', async () => {
  const store = createTileStore(plan);
  const snapshots = open();
  count(store, everybody);
  await save(snapshots, store, 300);
  const before = filesIn().map((name) => [name, readFileSync(join(state, name))]);
  count(store, everybody, 5);
  for (const turns of [0, 1, 4]) {
    let left = turns;
    const isCurrent = (): boolean => left-- > 0;
    const request = { store, nextOffset: 600, isCurrent };
    expect(await snapshots.save('v', 1, request)).toBe(false);
    expect(filesIn().map((name) => [name, readFileSync(join(state, name))])).toEqual(before);
  }
  // What those saves had written counts as not saved.
  await save(snapshots, store, 600);
  const again = (await restored(open())) as TileStore;
  for (const user of everybody) expect(read(again, user)).toEqual([2, 5]);
});

test('what a killed save leaves is deleted, and so are parts of a state that is gone', async () => {
  const store = createTileStore(plan);
  count(store, everybody);
  await save(open(), store, 300);
  for (const name of ['v.1.state.tmp', 'v.1.9.parts', 'w.2.1.parts'])
    writeFileSync(join(state, name), 'x');
  const snapshots = open();
  expect(filesIn()).toEqual(['v.1.1.parts', 'v.1.9.parts', 'v.1.state']);
  expect(await restored(snapshots)).not.toBe(null);
  expect(filesIn()).toEqual(['v.1.1.parts', 'v.1.state']);
  snapshots.drop('v', 1);
  expect(filesIn()).toEqual([]);
  await save(snapshots, store, 300);
  removeStates(state, 'v');
  expect(filesIn()).toEqual([]);
});

/** Two states of one platform, one after the other, and one of another platform. */
const makeStates = async (): Promise<{ older: string; other: string }> => {
  const [older, other] = [join(directory.path, 'older'), join(directory.path, 'other')];
  const store = createTileStore(plan);
  const snapshots = open();
  count(store, everybody);
  await save(snapshots, store, 300);
  cpSync(state, older, { recursive: true });
  count(store, [1, 2, 3], 2);
  await save(snapshots, store, 303);
  const foreign = createTileStore(plan);
  count(foreign, everybody, 9);
  const theirs = open(OTHER, other);
  await save(theirs, foreign, 300);
  count(foreign, [1, 2, 3], 8);
  await save(theirs, foreign, 303);
  return { older, other };
};

test('a file that is flipped, cut off, missing or of another platform is not used, and is named', async () => {
  const { other } = await makeStates();
  const whole = join(directory.path, 'whole');
  cpSync(state, whole, { recursive: true });
  for (const name of filesIn(whole)) {
    const path = join(state, name);
    const { length } = readFileSync(join(whole, name));
    const flip = (at: number) => () => {
      const bytes = readFileSync(path);
      bytes[at] = (bytes[at] as number) ^ (1 << (at % 8));
      writeFileSync(path, bytes);
    };
    // Every byte of it counts: each file is named whole.
    const damages = [
      ...Array.from({ length: 25 }, (_, i) => flip(Math.floor((i * (length - 1)) / 24))),
      () => truncateSync(path, length - 1),
      () => truncateSync(path, 0),
      () => rmSync(path),
      () => copyFileSync(join(other, name), path),
    ];
    for (const damage of damages) {
      rmSync(state, { recursive: true });
      cpSync(whole, state, { recursive: true });
      damage();
      warnings = [];
      const flaws = await verifyStates(state, PLATFORM, () => 1_000);
      const isGone = !existsSync(join(state, 'v.1.state'));
      if (!isGone) expect(flaws).toMatchObject([{ why: expect.any(String) }]);
      const snapshots = open();
      expect(await restored(snapshots)).toBe(null);
      expect(warnings).toHaveLength(isGone ? 0 : 1);
      const store = createTileStore(plan);
      count(store, everybody, 4);
      await save(snapshots, store, 600);
      expect(read((await restored(open())) as TileStore, 5)).toEqual([1, 4]);
      expect(partsFiles()).toHaveLength(1);
    }
  }
});

test('an older state is used, from its own offset; one ahead of the log is not', async () => {
  const { older } = await makeStates();
  expect(await restored(open(), 302)).toBe(null);
  expect(warnings).toEqual([expect.stringContaining('newer than the database')]);
  copyFileSync(join(older, 'v.1.state'), join(state, 'v.1.state'));
  expect((await open().load('v', 1, 1_000))?.nextOffset).toBe(300);
  const again = (await restored(open())) as TileStore;
  expect(read(again, 1)).toEqual([1, 1]);
});

test('a part that is damaged after the start is refused, each time', async () => {
  const store = createTileStore(plan);
  count(store, everybody);
  await save(open(), store, 300);
  const again = (await restored(open())) as TileStore;
  const path = join(state, 'v.1.1.parts');
  const bytes = readFileSync(path);
  writeFileSync(path, Buffer.alloc(bytes.length));
  for (let i = 0; i < 2; i++)
    expect(() => read(again, 7)).toThrow(expect.objectContaining({ code: 'MR_DATA_DAMAGED' }));
  rmSync(path);
  expect(() => again.find('u7')).toThrow(expect.objectContaining({ code: 'MR_DATA_DAMAGED' }));
  expect(again.entities).toBe(0);
  writeFileSync(path, bytes);
  expect(read(again, 7)).toEqual([1, 1]);
});

/** As an earlier release wrote it. */
const inOnePiece = (store: TileStore, nextOffset: number): Buffer => {
  const bytes = Buffer.concat([Buffer.alloc(40), takeSnapshot(store)]);
  bytes.write('2SRM', 0, 'latin1');
  bytes.writeDoubleLE(nextOffset, 8);
  bytes.writeDoubleLE(bytes.length - 40, 16);
  bytes.write(PLATFORM.replaceAll('-', ''), 24, 'hex');
  bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4);
  return bytes;
};

test('a state of an earlier release is used, and the next save writes it in parts', async () => {
  const store = createTileStore(plan);
  count(store, everybody);
  mkdirSync(state);
  writeFileSync(join(state, 'v.1.state'), inOnePiece(store, 300));
  expect(await verifyStates(state, PLATFORM, () => 300)).toMatchObject([{ why: null }]);
  const snapshots = open();
  const again = (await restored(snapshots)) as TileStore;
  expect(again.entities).toBe(USERS);
  count(again, [5], 2);
  await save(snapshots, again, 301);
  expect(filesIn()).toEqual(['v.1.1.parts', 'v.1.state']);
  const third = (await restored(open())) as TileStore;
  for (const user of everybody) expect(read(third, user)).toEqual(user === 5 ? [2, 2] : [1, 1]);
  expect(warnings).toEqual([]);
});

test('an erased entity is in no file, also not in what a save has replaced', async () => {
  const store = createTileStore(plan);
  const snapshots = open();
  count(store, everybody);
  await save(snapshots, store, 300);
  count(store, [77], 2);
  await save(snapshots, store, 301);
  await snapshots.load('v', 1, 1_000);
  expect(await snapshots.erase('v', 1, ['u77'])).toBe(true);
  for (const name of filesIn()) expect(readFileSync(join(state, name)).includes('u77')).toBe(false);
  expect(await snapshots.erase('v', 1, ['u77'])).toBe(false);
  const again = (await restored(open())) as TileStore;
  for (const user of everybody) expect(read(again, user)).toEqual(user === 77 ? [0, null] : [1, 1]);
  expect(warnings).toEqual([]);
});
