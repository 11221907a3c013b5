/**
 * Whatever the edge accepts, every later stage can store: the extremes of every type go through
 * tiles, a restart, the history, past reads, explanations, data sets, batch files, the export and
 * back in, and every stage gives the same values.
 */
import { join } from 'node:path';
import { col, count, entity, featureView, last, lastK, max, min, source } from 'millrace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatasetRequest } from '#domain/api/datasets.ts';
import type { Platform } from '#domain/api/platform.ts';
import type { FieldTypeText } from '#domain/values/field-type.ts';
import { floatDigits } from '#domain/values/float-digits.ts';
import type { Row, ScalarType, Value } from '#domain/values/value.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import {
  caller,
  finished,
  plain,
  type TestPlatform,
  testPlatform,
} from '#tests/support/platform.ts';

/** By type: as they are sent, and as reads show them. */
const EXTREMES: Readonly<Record<ScalarType, readonly (readonly [sent: Value, shown: Value])[]>> = {
  string: ['', '\u0000', '\ufeff', ' ', 'NULL', 'é"\\,;\n\r\t', '￿😀', 'x'.repeat(10_000)].map(
    (text) => [text, text],
  ),
  int: [-2147483648, 2147483647, 0].map((n) => [n, n]),
  long: [-9007199254740991, 9007199254740991, 2147483648].map((n) => [n, n]),
  float: [-3.4028235e38, 3.4028235e38, 1e-45, 1.111].map((n) => [n, n]),
  double: [-1.7976931348623157e308, 1.7976931348623157e308, 5e-324, 0.1, 9007199254740992].map(
    (n) => [n, n],
  ),
  boolean: [true, false].map((flag) => [flag, flag]),
  timestamp: [
    ['0000-01-01T00:00:00Z', -62167219200000],
    ['0001-01-01T00:00:00.001Z', -62135596799999],
    ['1969-12-31T23:59:59.999Z', -1],
    ['1970-01-20T18:46:48Z', 1709208000],
    ['9999-12-31T23:59:59.999Z', 253402300799999],
  ],
  date: [
    ['0000-01-01', -719528],
    ['0001-01-01', -719162],
    ['1969-12-31', -1],
    ['9999-12-31', 2932896],
  ],
  bytes: ['', 'AA==', '/////w==', Buffer.alloc(1000, 7).toString('base64')].map((b) => [b, b]),
};
const TYPES = Object.keys(EXTREMES) as ScalarType[];
const ORDERED: readonly ScalarType[] = ['int', 'long', 'float', 'double', 'timestamp', 'date'];
const NOW = Date.now();

const owner = entity({ name: 'owner', keys: { id: 'string' } });
const events = source({
  name: 'extremes',
  fields: {
    ts: 'timestamp',
    id: 'string',
    ...Object.fromEntries(TYPES.map((type) => [`v_${type}`, `${type}?`])),
    ...Object.fromEntries(TYPES.map((type) => [`l_${type}`, `array<${type}>?`])),
  } as Readonly<Record<string, FieldTypeText>> & { readonly ts: 'timestamp' },
  eventTime: 'ts',
});
const view = featureView({
  name: 'all_types',
  entity: owner,
  source: events,
  features: {
    n: count(),
    ...Object.fromEntries(
      TYPES.flatMap((type) => [
        [`last_${type}`, last(col(`v_${type}`))],
        [`some_${type}`, lastK(col(`v_${type}`), 3)],
        ...(ORDERED.includes(type)
          ? [
              [`min_${type}`, min(col(`v_${type}`))],
              [`max_${type}`, max(col(`v_${type}`), { window: '30d' })],
            ]
          : []),
      ]),
    ),
  },
});

interface Sent {
  readonly event: Row;
  readonly id: string;
  readonly type: ScalarType;
  readonly shown: Value;
}

/** One entity for each value. */
const SENT: readonly Sent[] = TYPES.flatMap((type) =>
  EXTREMES[type].map(([sent, shown], i): Sent => {
    const id = `${type}-${i}`;
    const list = [sent, sent];
    const event = { ts: NOW - i, id, [`v_${type}`]: sent, [`l_${type}`]: list };
    return { event, id, type, shown };
  }),
);

let running: TestPlatform;
beforeAll(async () => {
  running = await testPlatform({ historyEveryMs: 50 });
  await running.platform.registry.apply(plain(owner, events, view), {}, caller);
  const { rejected } = await running.platform.publishing.publish(
    { source: 'extremes', events: SENT.map(({ event }) => event) },
    caller,
  );
  expect(rejected).toEqual([]);
});
afterAll(() => running.dispose());

const namesOf = (type: ScalarType): readonly string[] => [
  `last_${type}`,
  `some_${type}`,
  ...(ORDERED.includes(type) ? [`min_${type}`, `max_${type}`] : []),
];

const expectedOf = ({ type, shown }: Sent): Record<string, Value> =>
  Object.fromEntries(
    namesOf(type).map((name) => [name, name.startsWith('some') ? [shown] : shown]),
  );

/** @param shownOf the value of one feature of one entity */
const expectAll = (shownOf: (sent: Sent, feature: string) => Value | undefined): void => {
  for (const sent of SENT)
    for (const [name, value] of Object.entries(expectedOf(sent)))
      expect([sent.id, name, shownOf(sent, name)]).toEqual([sent.id, name, value]);
};

const readAll = async (platform: Platform, past: object = {}): Promise<void> => {
  const features = TYPES.flatMap(namesOf);
  const { values } = await platform.serving.read({
    features: features.map((name) => `all_types:${name}`),
    entities: SENT.map(({ id }) => ({ id })),
    ...past,
  });
  expectAll((sent, name) => values[SENT.indexOf(sent)]?.[features.indexOf(name)]);
};

const build = async (mode: DatasetRequest['mode']): Promise<string> => {
  const out = join(running.files, `${mode}.parquet`);
  const rows = SENT.map(({ id }) => ({ id, event_timestamp: Date.now() }));
  const request = { target: { view: 'all_types' }, spine: { rows }, out, mode };
  const started = await running.platform.datasets.start(request, caller);
  const set = await finished(running.platform, started);
  expect(set).toMatchObject({ state: 'done', error: null });
  return out;
};

/** DuckDB's value in our form, exact. */
const plainOf = (value: unknown): Value => {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null) return value as Value;
  if ('micros' in value) return Number((value.micros as bigint) / 1000n);
  if ('days' in value) return value.days as number;
  if ('bytes' in value) return Buffer.from(value.bytes as Uint8Array).toString('base64');
  return (value as { readonly items: readonly unknown[] }).items.map(plainOf);
};

/** The rows of a Parquet file by the entity's key; floats with their own digits. */
const rowsOf = async (file: string): Promise<ReadonlyMap<Value, Record<string, Value>>> => {
  const duckDb = await openDuckDb();
  const connection = await duckDb.connect();
  try {
    // As bytes: DuckDB's client drops a byte order mark at the start of a text.
    const texts = `encode(last_string) AS last_string, list_transform(some_string, lambda x: encode(x)) AS some_string`;
    const read = await connection.runAndReadAll(`SELECT * REPLACE (${texts}) FROM '${file}'`);
    const rows = read.getRowObjects().map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]): [string, Value] => {
          const plainValue = plainOf(value);
          if (name.endsWith('_string')) return [name, textOf(plainValue)];
          return [name, name.endsWith('_float') ? shownFloat(plainValue) : plainValue];
        }),
      ),
    );
    return new Map(rows.map((row) => [row.id as Value, row]));
  } finally {
    connection.closeSync();
    duckDb.close();
  }
};
const textOf = (value: Value): Value =>
  Array.isArray(value)
    ? value.map(textOf)
    : typeof value === 'string'
      ? Buffer.from(value, 'base64').toString()
      : value;
const shownFloat = (value: Value): Value =>
  Array.isArray(value)
    ? value.map(shownFloat)
    : typeof value === 'number'
      ? floatDigits(value)
      : value;

test('online, past and after a restart', async () => {
  await readAll(running.platform);
  await readAll(running.platform, { known: Date.now() });
  await readAll(await running.restart());
});

test('explanations recompute the same value', async () => {
  for (const { id, type, shown } of SENT) {
    const request = { view: 'all_types', feature: `last_${type}`, entity: { id } };
    const explained = await running.platform.serving.explain(request, caller);
    expect([id, explained.value, explained.matches]).toEqual([id, shown, true]);
  }
});

test('data sets of both modes, from the history', async () => {
  for (const mode of ['event-time', 'as-served'] as const) {
    const rows = await rowsOf(await build(mode));
    expectAll(({ id }, name) => rows.get(id)?.[name]);
  }
});

test('a batch file', async () => {
  const out = join(running.files, 'batch.parquet');
  await running.platform.datasets.batch({ target: { view: 'all_types' }, out }, caller);
  const rows = await rowsOf(out);
  expect(rows.size).toBe(SENT.length);
  expectAll(({ id }, name) => rows.get(id)?.[name]);
});

test('what is exported can be published again, and is the same', async () => {
  const exported: Row[] = [];
  for await (const rows of await running.platform.publishing.exportEvents('extremes', caller))
    exported.push(...(JSON.parse(JSON.stringify(rows)) as Row[]));
  const other = await testPlatform();
  try {
    await other.platform.registry.apply(plain(owner, events, view), {}, caller);
    const again = await other.platform.publishing.publish(
      { source: 'extremes', events: exported },
      caller,
    );
    expect(again.rejected).toEqual([]);
    await readAll(other.platform);
    const twice: Row[] = [];
    for await (const rows of await other.platform.publishing.exportEvents('extremes', caller))
      twice.push(...(JSON.parse(JSON.stringify(rows)) as Row[]));
    expect(twice).toEqual(exported);
  } finally {
    await other.dispose();
  }
});
