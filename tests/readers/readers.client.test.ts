/** The history's tables are Iceberg tables: other readers open them by their paths. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { icebergManifests, icebergMetadata, icebergRead } from 'icebird';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openIcebergHistory } from '#infra/iceberg/history.ts';
import { FILE_LOG_MODULE, fileLog, historyIn } from '#tests/contracts/history.fixture.ts';
import {
  FLIGHTS_AVRO,
  FLIGHTS_EVOLVED_AVRO,
  flight,
  UPDATES_AVRO,
} from '#tests/contracts/history.samples.ts';
import { hasPython, pythonWithPyiceberg } from '#tests/support/venv.ts';

const T = Date.UTC(2001, 0, 10, 12);
const DAY = 86_400_000;
const TILE = { hop_ms: 60_000, tile_start: T, p_2__items: null, p_3__counts: null };

let data: string;
let raw: string;
let updates: string;

beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), 'millrace-readers-'));
  const directory = join(data, 'log');
  const log = fileLog(directory);
  const [first, evolved, tiles] = [
    log.schema(FLIGHTS_AVRO),
    log.schema(FLIGHTS_EVOLVED_AVRO),
    log.schema(UPDATES_AVRO),
  ];
  const topics = [
    { topic: 'raw.flights', partitions: 1 },
    { topic: 'features.delays', partitions: 1 },
  ];
  const history = await openIcebergHistory({
    ...historyIn(data),
    input: { module: FILE_LOG_MODULE, options: { directory, topics } },
    commitAfterMs: 0,
  });
  const full = {
    delay: -0.5,
    seats: 7,
    big: 2 ** 52,
    ok: true,
    day: -1,
    blob: Buffer.from('hi') as unknown as string,
    tags: ['a', 'é'],
    ratio: 0.25,
  };
  log.append(
    'raw.flights',
    0,
    first,
    [flight(T, 'ATL', full), flight(-1, '東京 🛫 far longer than twelve bytes')],
    1_000,
  );
  await history.sync('raw.flights');
  log.append(
    'raw.flights',
    0,
    evolved,
    [flight(T - DAY, 'JFK', { seats: 2 ** 40, note: 'new' })],
    2_000,
  );
  await history.sync('raw.flights');
  log.append(
    'features.delays',
    0,
    tiles,
    [
      { origin: 'ATL', p_1__sum: 1.5, ...TILE, p_3__counts: { a: 1 } },
      { origin: 'JFK', p_1__sum: null, ...TILE },
    ],
    3_000,
  );
  await history.sync('features.delays');
  await history.close();
  raw = join(data, 'history', 'raw', 'flights');
  updates = join(data, 'history', 'features', 'delays');
});
afterAll(() => rmSync(data, { recursive: true, force: true }));

interface Seen {
  readonly raw: readonly Record<string, unknown>[];
  readonly fields: readonly (readonly unknown[])[];
  readonly spec: unknown;
  readonly snapshots: readonly {
    readonly id: number;
    readonly parent: number | null;
    readonly operation: string;
    readonly through: string;
    readonly rows: number;
  }[];
  readonly atl: readonly Record<string, unknown>[];
  readonly wide: readonly Record<string, unknown>[];
  readonly small: readonly Record<string, unknown>[];
  readonly newest_day: number;
  readonly all_files: number;
  readonly updates: readonly Record<string, unknown>[];
  readonly updates_spec: unknown;
}

const python = hasPython();
if (!python) console.warn('pyiceberg is not tested: this machine has no python3');

describe.skipIf(!python)('pyiceberg', () => {
  let seen: Seen;
  beforeAll(() => {
    const output = execFileSync(
      pythonWithPyiceberg(),
      [join(import.meta.dirname, 'read_tables.py'), raw, updates],
      {
        encoding: 'utf8',
      },
    );
    seen = JSON.parse(output) as Seen;
  }, 180_000);

  it('reads every row and value', () => {
    expect(seen.raw).toEqual([
      {
        date: '2001-01-10T12:00:00+00:00',
        origin: 'ATL',
        delay: -0.5,
        seats: 7,
        big: 2 ** 52,
        ok: true,
        day: '1969-12-31',
        blob: '6869',
        tags: ['a', 'é'],
        ratio: 0.25,
        note: null,
        _partition: 0,
        _offset: 0,
        _log_time: '1970-01-01T00:00:01+00:00',
      },
      expect.objectContaining({
        date: '1969-12-31T23:59:59.999000+00:00',
        origin: '東京 🛫 far longer than twelve bytes',
        delay: null,
        tags: null,
        _offset: 1,
      }),
      expect.objectContaining({ origin: 'JFK', seats: 2 ** 40, note: 'new', _offset: 2 }),
    ]);
    expect(
      seen.updates.map(({ origin, p_1__sum, p_3__counts, _log_time }) => [
        origin,
        p_1__sum,
        p_3__counts,
        _log_time,
      ]),
    ).toEqual([
      ['ATL', 1.5, '{"a":1}', '1970-01-01T00:00:03+00:00'],
      ['JFK', null, null, '1970-01-01T00:00:03+00:00'],
    ]);
  });

  it('sees the partitions, and skips files by them', () => {
    expect(seen.spec).toEqual([['date_day', 'day']]);
    expect(seen.updates_spec).toEqual([['_log_time_day', 'day']]);
    expect([seen.newest_day, seen.all_files]).toEqual([1, 3]);
    expect(seen.atl.map((row) => row._offset)).toEqual([0]);
  });

  it('sees the snapshots, each with its rows and offsets', () => {
    const [first, second] = seen.snapshots;
    expect(seen.snapshots).toMatchObject([
      { operation: 'append', through: '2', rows: 2, parent: null },
      { operation: 'append', through: '3', rows: 3, parent: first?.id },
    ]);
    expect(second?.id).not.toBe(first?.id);
  });

  it('sees the schema as it evolved, and filters by a widened column', () => {
    expect(seen.fields.map(([, name, type]) => [name, type])).toContainEqual(['seats', 'long']);
    expect(seen.fields.at(-1)?.slice(1)).toEqual(['note', 'string', false]);
    expect(seen.wide.map((row) => row._offset)).toEqual([2]);
    expect(seen.small.map((row) => row._offset)).toEqual([0]);
  });
});

/** icebird reads over HTTP only: its requests are answered from the disk. */
const fromDisk = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
  const bytes = readFileSync(new URL(String(input)));
  const range = /bytes=(\d+)-(\d*)/.exec(new Headers(init?.headers).get('range') ?? '');
  if (range === null) return new Response(bytes);
  return new Response(
    bytes.subarray(Number(range[1]), range[2] === '' ? bytes.length : Number(range[2]) + 1),
    { status: 206 },
  );
};

describe('icebird', () => {
  beforeAll(() => {
    vi.stubGlobal('fetch', fromDisk);
  });
  afterAll(() => {
    vi.unstubAllGlobals();
  });

  it('reads rows of the old and the new schema together', async () => {
    const tableUrl = `file://${raw}`;
    const metadata = await icebergMetadata({ tableUrl });
    const rows = await icebergRead({ tableUrl, metadata });
    expect(rows.map((row) => [row.origin, row.seats ?? null, row.note ?? null]).sort()).toEqual([
      ['ATL', 7, null],
      ['JFK', BigInt(2 ** 40), 'new'],
      ['東京 🛫 far longer than twelve bytes', null, null],
    ]);
    expect((await icebergManifests(metadata)).length).toBe(2);
  });
});
