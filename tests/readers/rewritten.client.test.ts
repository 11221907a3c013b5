/** A table that was rewritten because whole numbers became doubles, as other readers see it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { icebergMetadata, icebergRead } from 'icebird';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openIcebergHistory } from '#infra/iceberg/history.ts';
import { FILE_LOG_MODULE, fileLog, historyIn } from '#tests/contracts/history.fixture.ts';
import {
  FLIGHTS_AVRO,
  FLIGHTS_DOUBLES_AVRO,
  flight,
  UPDATES_AVRO,
} from '#tests/contracts/history.samples.ts';
import { hasPython, pythonWithPyiceberg } from '#tests/support/venv.ts';

const T = Date.UTC(2001, 0, 10, 12);
const DAY = 86_400_000;

let data: string;
let raw: string;
let updates: string;

beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), 'millrace-rewritten-'));
  const directory = join(data, 'log');
  const log = fileLog(directory);
  const [wholes, doubles, tiles] = [FLIGHTS_AVRO, FLIGHTS_DOUBLES_AVRO, UPDATES_AVRO].map(
    (schema) => log.schema(schema),
  ) as [number, number, number];
  const topics = [
    { topic: 'raw.flights', partitions: 1 },
    { topic: 'features.delays', partitions: 1 },
  ];
  const history = await openIcebergHistory({
    ...historyIn(data),
    input: { module: FILE_LOG_MODULE, options: { directory, topics } },
    commitAfterMs: 0,
  });
  const first = flight(T, 'ATL', { seats: 7, big: 2 ** 52 + 1, ratio: 0.25 });
  log.append('raw.flights', 0, wholes, [first, flight(T - DAY, 'JFK')], 1_000);
  await history.sync('raw.flights');
  const half = flight(T, 'SFO', { seats: 2 ** 40 + 0.5, big: -0.5, ratio: 0.1, note: 'new' });
  log.append('raw.flights', 0, doubles, [half], 2_000);
  await history.sync('raw.flights');
  const tile = { hop_ms: 60_000, tile_start: T, p_1__sum: 1, p_2__items: null, p_3__counts: null };
  log.append('features.delays', 0, tiles, [{ origin: 'ATL', ...tile }], 3_000);
  await history.sync('features.delays');
  await history.close();
  raw = join(data, 'history', 'raw', 'flights');
  updates = join(data, 'history', 'features', 'delays');
});
afterAll(() => rmSync(data, { recursive: true, force: true }));

type Rows = readonly Readonly<Record<string, unknown>>[];
const numbers = (rows: Rows): readonly unknown[] =>
  rows.map(({ origin, seats, big, ratio }) => [origin, seats ?? null, big ?? null, ratio ?? null]);
const WHOLE = ['ATL', 7, 2 ** 52 + 1, 0.25];
const HALF = ['SFO', 2 ** 40 + 0.5, -0.5, 0.1];

const python = hasPython();
if (!python) console.warn('pyiceberg is not tested: this machine has no python3');

it.skipIf(!python)(
  'pyiceberg reads old rows and new ones, and earlier snapshots',
  () => {
    const script = join(import.meta.dirname, 'read_tables.py');
    const output = execFileSync(pythonWithPyiceberg(), [script, raw, updates], {
      encoding: 'utf8',
    });
    const seen = JSON.parse(output) as {
      readonly raw: Rows;
      readonly wide: Rows;
      readonly small: Rows;
      readonly fields: readonly (readonly [number, string, string])[];
      readonly snapshots: readonly { readonly operation: string; readonly rows: number }[];
    };
    expect(numbers(seen.raw)).toEqual([WHOLE, ['JFK', null, null, null], HALF]);
    expect(numbers(seen.wide)).toEqual([HALF]);
    expect(numbers(seen.small)).toEqual([WHOLE]);
    const types = seen.fields.map(([, name, type]) => [name, type]);
    for (const name of ['seats', 'big', 'ratio']) expect(types).toContainEqual([name, 'double']);
    expect(seen.snapshots).toMatchObject([
      { operation: 'append', rows: 2 },
      { operation: 'replace', rows: 2 },
      { operation: 'append', rows: 3 },
    ]);
  },
  180_000,
);

it('icebird reads old rows and new ones', async () => {
  vi.stubGlobal('fetch', async (input: string | URL | Request, init?: RequestInit) => {
    const bytes = readFileSync(new URL(String(input)));
    const range = /bytes=(\d+)-(\d*)/.exec(new Headers(init?.headers).get('range') ?? '');
    if (range === null) return new Response(bytes);
    const end = range[2] === '' ? bytes.length : Number(range[2]) + 1;
    return new Response(bytes.subarray(Number(range[1]), end), { status: 206 });
  });
  try {
    const tableUrl = `file://${raw}`;
    const rows = await icebergRead({ tableUrl, metadata: await icebergMetadata({ tableUrl }) });
    expect(new Set(numbers(rows).map((row) => JSON.stringify(row)))).toEqual(
      new Set([WHOLE, ['JFK', null, null, null], HALF].map((row) => JSON.stringify(row))),
    );
  } finally {
    vi.unstubAllGlobals();
  }
});
