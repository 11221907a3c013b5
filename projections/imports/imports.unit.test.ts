/** The first live event is found behind any number of imported ones, and each is read once. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LogRecord } from '#domain/ports/log.ts';
import { initialState } from '#domain/registry/state.ts';
import { createImports } from './imports.ts';

const FIELD = 'known_at';
const START = 1_000_000;

interface Event {
  readonly partition: number;
  readonly imported: boolean;
  readonly gap: number;
}

/** A log of one topic; records below `begin` are only in the history. */
const fakeLog = (partitions: number) => {
  const records: (LogRecord & { imported: boolean })[][] = Array.from(
    { length: partitions },
    () => [],
  );
  const begin = records.map(() => 0);
  let kept: number[] = records.map(() => 0);
  const reads = new Map<string, number>();
  return {
    records,
    begin,
    reads,
    add(partition: number, imported: boolean, logTime: number): void {
      const all = records[partition] as (typeof records)[number];
      all.push({
        topic: 'raw.s',
        partition,
        key: null,
        value: Uint8Array.of(imported ? 1 : 0),
        schemaId: 1,
        offset: all.length,
        logTime,
        imported,
      });
    },
    log: {
      begin: async () => begin,
      end: async () => records.map((all) => all.length),
      committed: async () => kept,
      append: async ({ positions = [] }: { positions?: readonly { offset: number }[] }) => {
        kept = positions.map(({ offset }) => offset);
        return { logTime: 0, ends: [], duplicate: false };
      },
      async read(_topic: string, partition: number, offset: number) {
        const found = (records[partition] ?? [])
          .slice(Math.max(offset, begin[partition] ?? 0))
          .slice(0, 3);
        for (const one of found) {
          const id = `${partition}:${one.offset}`;
          reads.set(id, (reads.get(id) ?? 0) + 1);
        }
        return found;
      },
    },
  };
};

const open = (fake: ReturnType<typeof fakeLog>, now: () => number) => {
  const definition = {
    kind: 'source',
    name: 's',
    fields: {},
    eventTime: 'at',
    knownTime: FIELD,
  } as const;
  return createImports({
    catalog: {
      stream: () => ({
        kind: 'source',
        name: 's',
        registrations: [],
        retiredAt: null,
        state: { ...initialState, versions: [{ version: 1, definition, planHash: null }] },
      }),
    },
    log: fake.log,
    history: {
      async *scanColumns({ below = [] }) {
        const all = fake.records.flatMap((records, p) => records.slice(0, below[p] ?? 0));
        const column = (of: (record: (typeof all)[number]) => number) => Float64Array.from(all, of);
        yield {
          count: all.length,
          eventTime: column(() => 0),
          partition: column(({ partition }) => partition),
          offset: column(({ offset }) => offset),
          logTime: column(({ logTime }) => logTime),
          columns: { [FIELD]: column(({ imported }) => (imported ? 5 : Number.NaN)) },
        };
      },
    },
    decoders: {
      decode: (_id, value) => ({ v: value[0] ?? 0 }),
      knownTime: (_s, { v }) => (v === 1 ? 5 : null),
    },
    now,
  });
};

const events = fc.array(
  fc.record({
    partition: fc.nat(2),
    imported: fc.boolean(),
    gap: fc.constantFrom(1, 10, 70_000),
  }),
  { maxLength: 40 },
);

test('the first live event, with appends, restarts and a log that loses its beginning', async () => {
  await fc.assert(
    fc.asyncProperty(
      events,
      fc.array(fc.constantFrom('ask', 'restart', 'trim'), { minLength: 1, maxLength: 40 }),
      async (all: readonly Event[], between) => {
        const fake = fakeLog(3);
        let time = START;
        let imports = open(fake, () => time);
        let first: number | null = null;
        for (const [i, { partition, imported, gap }] of all.entries()) {
          time += gap;
          fake.add(partition, imported, time);
          if (!imported) first ??= time;
          const what = between[i % between.length];
          if (what === 'restart') imports = open(fake, () => time);
          if (what === 'trim') fake.begin[partition] = fake.records[partition]?.length ?? 0;
          expect(await imports('s')).toEqual({ field: FIELD, firstLive: first });
        }
      },
    ),
  );
});

test('an import does not read what it has read before', async () => {
  const fake = fakeLog(1);
  const imports = open(fake, () => START);
  for (let i = 0; i < 50; i++) {
    for (let n = 0; n < 10; n++) fake.add(0, true, START);
    expect(await imports('s')).toEqual({ field: FIELD, firstLive: null });
  }
  expect([...fake.reads.values()].every((n) => n === 1)).toBe(true);
  expect(fake.reads.size).toBe(500);
});
