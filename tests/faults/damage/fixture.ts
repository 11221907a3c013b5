/**
 * Data directories to damage: a platform with two sources, each with a view and its events, a part
 * of them in the history, a state saved; the same platform earlier; and another platform.
 */
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { col, count, entity, featureView, source, sum } from 'millrace';
import type { Platform } from '#domain/api/platform.ts';
import { startEmbedded } from '#infra/profiles/embedded.ts';
import { caller, plain } from '#tests/support/platform.ts';

export const SOURCES = ['sales', 'visits'] as const;
export type SourceName = (typeof SOURCES)[number];
export const viewOf = (name: SourceName): string => `${name}_totals`;

const HOUR = 3_600_000;
/** event time of the first event */
const FIRST = Date.parse('2026-01-30T00:00:00Z');
/** the clock of every platform here: all events are before it */
export const NOW = Date.parse('2026-02-01T12:00:00Z');
export const SHOPS = ['a', 'b', 'c', 'd', 'e'];

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const definitions = SOURCES.flatMap((name) => {
  const from = source({
    name,
    fields: { at: 'timestamp', shop: 'string', amount: 'double' },
    eventTime: 'at',
  });
  const features = { [`${name}_n`]: count(), [`${name}_sum`]: sum(col('amount')) };
  return [from, featureView({ name: viewOf(name), entity: shop, source: from, features })];
});

export interface Event {
  readonly at: number;
  readonly shop: string;
  readonly amount: number;
}

/** @param salt other amounts for another salt */
const eventsFrom = (from: number, to: number, salt: number): readonly Event[] =>
  Array.from({ length: to - from }, (_, i) => ({
    at: FIRST + (from + i) * 12 * 60_000,
    shop: SHOPS[(from + i) % SHOPS.length] as string,
    amount: ((from + i) * 7919 * salt) % 1000,
  }));

export interface Base {
  readonly directory: string;
  readonly events: readonly Event[];
}

export const open = (
  directory: string,
  options: { readonly warn?: (message: string) => void; readonly now?: () => number } = {},
): Promise<Platform> =>
  startEmbedded({
    dataDirectory: directory,
    historyEveryMs: 20,
    warn: () => {},
    now: () => NOW,
    ...options,
  });

export const publish = async (platform: Platform, events: readonly Event[]): Promise<void> => {
  for (const name of SOURCES)
    await platform.publishing.publish(
      { source: name, events: events.map((event) => ({ ...event })) },
      caller,
    );
};

const historyHasAll = async (platform: Platform): Promise<void> => {
  for (;;) {
    const { sources } = await platform.operations.status();
    if (sources.every(({ position, historyPosition }) => position === historyPosition)) return;
    await sleep(20);
  }
};

/** Resolves when no view is behind the log by events that it can compute. */
export const computed = async (platform: Platform): Promise<void> => {
  for (;;) {
    const { views } = await platform.operations.status();
    if (views.every(({ lag, error }) => lag === 0 || error !== null)) return;
    await sleep(5);
  }
};

/** so many of the first events are in the history of `base` */
export const IN_HISTORY = 160;

/** @param before publishes this before a first stop, and `after` it `rest` without the history */
const make = async (directory: string, salt: number): Promise<{ older: string; base: Base }> => {
  let platform = await open(directory);
  await platform.registry.apply(plain(shop, ...definitions), {}, caller);
  const [first, second, third] = [
    eventsFrom(0, 100, salt),
    eventsFrom(100, IN_HISTORY, salt),
    eventsFrom(IN_HISTORY, 200, salt),
  ];
  await publish(platform, first);
  await historyHasAll(platform);
  await platform.close();
  const older = `${directory}-older`;
  cpSync(directory, older, { recursive: true });
  platform = await open(directory);
  await publish(platform, second);
  await historyHasAll(platform);
  await platform.close();
  // The newest events are in the log and in the state only.
  platform = await startEmbedded({
    dataDirectory: directory,
    historyEveryMs: 0,
    warn: () => {},
    now: () => NOW,
  });
  await publish(platform, third);
  await platform.close();
  return { older, base: { directory, events: [...first, ...second, ...third] } };
};

export interface Bases {
  readonly base: Base;
  /** the directory of `base`, earlier: fewer events */
  readonly older: string;
  /** the directory of another platform with the same definitions and other events */
  readonly other: string;
  /** a copy of `base` */
  readonly copy: () => string;
  readonly dispose: () => void;
}

export const makeBases = async (): Promise<Bases> => {
  const root = mkdtempSync(join(tmpdir(), 'millrace-damage-'));
  const { base, older } = await make(join(root, 'base'), 1);
  const other = await make(join(root, 'other'), 3);
  let copies = 0;
  return {
    base,
    older,
    other: other.base.directory,
    copy() {
      const to = join(root, `copy-${copies++}`);
      cpSync(base.directory, to, { recursive: true });
      return to;
    },
    dispose: () => rmSync(root, { recursive: true, force: true }),
  };
};

/** The files below a directory whose paths fit, in order. */
export const filesBelow = (directory: string, pattern: RegExp): readonly string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .filter((path) => pattern.test(path))
    .sort();

export const wanted = (
  events: readonly Event[],
  at: number,
): ReadonlyMap<string, readonly [n: number, sum: number]> =>
  new Map(
    SHOPS.map((key) => {
      const mine = events.filter((event) => event.shop === key && event.at <= at);
      return [key, [mine.length, mine.reduce((total, { amount }) => total + amount, 0)]];
    }),
  );

export const PAST = FIRST + 20 * HOUR;
