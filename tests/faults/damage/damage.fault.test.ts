/**
 * The promise: no stored byte that is changed, cut off, missing, older or another platform's makes
 * a wrong value. Each cell damages one file of a copy, starts, and does what users do: each answer
 * is right, or is refused with a code that names damage. What the damaged file does not concern
 * answers as before. Positions of flipped bits are drawn with a seed, which a failure shows.
 */
import {
  copyFileSync,
  cpSync,
  existsSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Platform } from '#domain/api/platform.ts';
import { repairEmbedded } from '#infra/profiles/embedded-repair.ts';
import { verifyEmbedded } from '#infra/profiles/embedded-verify.ts';
import { readValues } from '#infra/training-sets/read-values.ts';
import { caller, finished } from '#tests/support/platform.ts';
import {
  type Bases,
  computed,
  type Event,
  filesBelow,
  IN_HISTORY,
  makeBases,
  NOW,
  open,
  PAST,
  publish,
  SHOPS,
  SOURCES,
  type SourceName,
  viewOf,
  wanted,
} from './fixture.ts';

const REFUSALS = [
  'MR_DATA_DAMAGED',
  'MR_DATA_MIXED',
  'MR_DATA_DIR_NEWER',
  'MR_STORAGE_FAILED',
  'MR_VIEW_NOT_READY',
];
const SEED = Number(process.env.MILLRACE_SEED ?? 20260201);

let bases: Bases;
beforeAll(async () => {
  bases = await makeBases();
});
afterAll(() => bases?.dispose());

const drawn = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
};

const features = (name: SourceName): readonly string[] => [
  `${viewOf(name)}:${name}_n`,
  `${viewOf(name)}:${name}_sum`,
];

type Answer = ReadonlyMap<string, readonly unknown[]>;

const readAt = async (
  platform: Platform,
  name: SourceName,
  when: { readonly at?: number; readonly known?: number },
): Promise<Answer> => {
  const { values } = await platform.serving.read({
    features: features(name),
    entities: SHOPS.map((shop) => ({ shop })),
    ...when,
  });
  return new Map(SHOPS.map((shop, i) => [shop, values[i] as readonly unknown[]]));
};

const dataSetAt = async (
  platform: Platform,
  name: SourceName,
  at: number,
  directory: string,
): Promise<Answer> => {
  const out = `${directory}-set.parquet`;
  rmSync(out, { force: true });
  const rows = SHOPS.map((shop) => ({ shop, event_timestamp: at }));
  const target = { view: viewOf(name) };
  const request = { target, spine: { rows }, out, mode: 'event-time' } as const;
  const { error } = await finished(platform, await platform.datasets.start(request, caller));
  if (error !== null) throw error;
  const read = await readValues(out);
  return new Map(
    SHOPS.map((shop, i) => [shop, [read[i]?.get(`${name}_n`), read[i]?.get(`${name}_sum`)]]),
  );
};

interface Outcome {
  readonly start: string;
  readonly actions: ReadonlyMap<string, string>;
}

/** Does `action`: `ok`, or the code of its refusal. Anything else fails the test. */
const outcome = async (what: string, action: () => Promise<void>): Promise<string> => {
  try {
    await action();
    return 'ok';
  } catch (error) {
    const { code } = error as { code?: string };
    if (code !== undefined && REFUSALS.includes(code)) return code;
    throw new Error(`${what}: ${String(error)}`, { cause: error });
  }
};

const use = async (
  directory: string,
  events: readonly Event[],
  damagedPart: 'history' | 'elsewhere' = 'elsewhere',
): Promise<Outcome> => {
  let platform: Platform | null = null;
  const actions = new Map<string, string>();
  const start = await outcome('start', async () => {
    platform = await open(directory);
  });
  if (platform === null) return { start, actions };
  const running: Platform = platform;
  try {
    await computed(running);
    for (const name of SOURCES) {
      const same = (got: Answer, at: number, given: readonly Event[] = events): void =>
        expect([name, ...got]).toEqual([name, ...wanted(given, at)]);
      const attempt = async (what: string, action: () => Promise<void>): Promise<void> =>
        void actions.set(`${name} ${what}`, await outcome(`${name} ${what}`, action));
      await attempt('read', async () => same(await readAt(running, name, {}), NOW));
      await attempt('past read', async () =>
        same(await readAt(running, name, { at: PAST, known: NOW }), PAST),
      );
      await attempt('data set', async () =>
        same(await dataSetAt(running, name, NOW, directory), NOW),
      );
      await attempt('explain', async () => {
        const why = await running.serving.explain({
          view: viewOf(name),
          feature: `${name}_sum`,
          entity: { shop: 'a' },
        });
        expect([name, why.value, why.matches]).toEqual([
          name,
          wanted(events, NOW).get('a')?.[1],
          true,
        ]);
      });
    }
    // Whatever is damaged, operators can see it.
    const status = await running.operations.status();
    expect(status.sources.map(({ source }) => source)).toEqual([...SOURCES]);
    expect(await running.operations.metrics()).toContain('millrace_');
    // A damaged batch of the log shows where it is read: of the history, readiness says it.
    if (![...actions.values()].every((code) => code === 'ok') && damagedPart === 'history')
      expect(running.operations.degraded()).toContain('history-unavailable');
    const late = SHOPS.map((shop, i) => ({ at: NOW - i, shop, amount: i }));
    actions.set(
      'publish',
      await outcome('publish', async () => {
        await publish(running, late);
        for (const name of SOURCES)
          actions.set(
            `${name} read after publish`,
            await outcome(`${name} read after publish`, async () =>
              expect(await readAt(running, name, {})).toEqual(wanted([...events, ...late], NOW)),
            ),
          );
      }),
    );
  } finally {
    await running.close().catch(() => {});
  }
  return { start, actions };
};

type Damage = 'bit flipped' | 'truncated' | 'missing' | 'older' | 'of another platform';

/** @returns false where this damage does not apply to this file */
const damage = (directory: string, file: string, kind: Damage, random: () => number): boolean => {
  const path = join(directory, file);
  const from = (other: string): boolean => {
    if (!existsSync(join(other, file))) return false;
    copyFileSync(join(other, file), path);
    return true;
  };
  switch (kind) {
    case 'bit flipped': {
      const bytes = readFileSync(path);
      const at = Math.floor(random() * bytes.length);
      bytes[at] = (bytes[at] as number) ^ (1 << Math.floor(random() * 8));
      writeFileSync(path, bytes);
      return true;
    }
    case 'truncated': {
      const { length } = readFileSync(path);
      truncateSync(path, Math.floor(length * random()));
      return true;
    }
    case 'missing':
      rmSync(path);
      return true;
    case 'older':
      return from(bases.older);
    case 'of another platform':
      return from(bases.other);
  }
};

/** Repairs: all is right then, unless the repair named something as lost. */
const repairAndUse = async (
  directory: string,
  path: string,
  events: readonly Event[],
): Promise<string> => {
  let lost = false;
  const how = await outcome('repair', async () => {
    const repairs = await repairEmbedded({ dataDirectory: directory, acceptLoss: false });
    lost = repairs.some((repair) => repair.lost);
  });
  if (how !== 'ok') return `refused ${how}`;
  const { start, actions } = await use(directory, events);
  const wrong = [['start', start] as const, ...actions].filter(([, code]) => code !== 'ok');
  if (!lost) expect([path, ...wrong]).toEqual([path]);
  return lost
    ? `something is named as lost${wrong.length === 0 ? ', and all answers are right' : ''}`
    : 'all is right';
};

/** Files of one source only, but for the database. */
const KINDS: Readonly<Record<string, { readonly file: RegExp; readonly flips: number }>> = {
  'state of a view': { file: /^state\/sales_totals\.1\.state$/, flips: 12 },
  'part of a state': { file: /^state\/sales_totals\.1\.\d+\.parts$/, flips: 12 },
  'data file of raw events': { file: /^history\/raw\/sales\/data\/.*\.parquet$/, flips: 8 },
  'data file of updates': {
    file: /^history\/features\/sales_totals\/data\/.*\.parquet$/,
    flips: 3,
  },
  manifest: { file: /^history\/raw\/sales\/metadata\/.*-m0-.*\.avro$/, flips: 6 },
  'manifest list': { file: /^history\/raw\/sales\/metadata\/snap-.*\.avro$/, flips: 6 },
  'table metadata': { file: /^history\/raw\/sales\/metadata\/v\d+\.metadata\.json$/, flips: 6 },
  'version hint': { file: /^history\/raw\/sales\/metadata\/version-hint\.text$/, flips: 2 },
  database: { file: /^millrace\.db$/, flips: 25 },
  'format of the directory': { file: /^format\.json$/, flips: 4 },
};
const DAMAGES: readonly Damage[] = [
  'bit flipped',
  'truncated',
  'missing',
  'older',
  'of another platform',
];

const log: string[] = [];
afterAll(() => console.log(log.join('\n')));

describe.each(Object.entries(KINDS))('%s', (kind, { file, flips }) => {
  test.each(DAMAGES)('%s', async (how) => {
    const random = drawn(SEED + kind.length * 31 + how.length);
    const times = how === 'bit flipped' ? flips : how === 'truncated' ? 3 : 1;
    const seen = new Set<string>();
    const repaired = new Set<string>();
    for (let i = 0; i < times; i++) {
      const directory = bases.copy();
      const found = filesBelow(directory, file);
      expect(found.length, `files like ${file}`).toBeGreaterThan(0);
      const path = found[Math.floor(random() * found.length)] as string;
      if (!damage(directory, path, how, random)) continue;
      const second = `${directory}-second`;
      cpSync(directory, second, { recursive: true });
      const { start, actions } = await use(
        directory,
        bases.base.events,
        path.startsWith('history/') ? 'history' : 'elsewhere',
      );
      seen.add(
        start !== 'ok'
          ? `start ${start}`
          : [...actions]
              .flatMap(([what, code]) => (code === 'ok' ? [] : `${what} ${code}`))
              .join(', ') || 'right',
      );
      // The other source's files are whole: it answers, unless the database is the damaged file.
      if (start === 'ok' && kind !== 'database')
        for (const [what, code] of actions)
          if (what.startsWith('visits')) expect([path, what, code]).toEqual([path, what, 'ok']);
      const isRight = start === 'ok' && [...actions.values()].every((code) => code === 'ok');
      const { damage: reported } = await verifyEmbedded({ dataDirectory: second, deep: true });
      if (!isRight && kind !== 'format of the directory')
        expect([path, reported]).not.toEqual([path, []]);
      if (i < 6) {
        // Beside an older database, the history has all events but those since its last commit.
        const older = kind === 'database' && how === 'older';
        const events = older ? bases.base.events.slice(0, IN_HISTORY) : bases.base.events;
        repaired.add(await repairAndUse(second, path, events));
      }
      for (const used of [directory, second]) rmSync(used, { recursive: true, force: true });
    }
    const after = repaired.size === 0 ? '' : `; after repair: ${[...repaired].join(' | ')}`;
    log.push(`${kind}, ${how}: ${[...seen].join(' | ') || 'does not apply'}${after}`);
  });
});
