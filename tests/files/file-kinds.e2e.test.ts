/** Files of all kinds: compressed, under names with a meaning elsewhere, broken, and no files. */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bodyText } from '#gateways/cli/publish/batch.ts';
import { csvBatches } from '#gateways/cli/publish/csv-file.ts';
import { ndjsonBatches } from '#gateways/cli/publish/ndjson.ts';
import { requireRegularFile } from '#gateways/cli/publish/read-pieces.ts';
import { spineRows } from '#gateways/cli/spine-rows.ts';
import { type FilePlaces, filePlaces, publishedEvents, spineInputs } from './places.ts';

const T = '2026-01-02T00:00:00Z';
const MS = Date.parse(T);
const FIELDS = { ts: 'timestamp', id: 'string' };
const CSV = `ts,event_timestamp,id\n${T},${T},a\n`;
const EVENT = { ts: T, id: 'a' };

let places: FilePlaces;
beforeAll(async () => {
  places = await filePlaces();
});
afterAll(() => places.close());

const reading = { skip: 0, limit: Number.POSITIVE_INFINITY, onBadLine: () => undefined };
const table = (file: string) => ({
  file,
  fields: FIELDS,
  eventTime: 'ts',
  map: new Map<string, string>(),
  ignoreExtra: true,
});

const ndjson = async (file: string): Promise<readonly unknown[]> => {
  const events: unknown[] = [];
  for await (const batch of ndjsonBatches(file, reading))
    events.push(...(JSON.parse(bodyText(batch)) as { events: unknown[] }).events);
  return events;
};

describe('a file', () => {
  test.each(['a.csv', 'a.csv.gz', 'a.tsv', 'A.TSV.GZ', 'gzip-without-its-name.csv'])(
    'named %s',
    async (name) => {
      const text = /tsv/i.test(name) ? CSV.replaceAll(',', '\t') : CSV;
      const file = places.write(name, /gz/i.test(name) ? gzipSync(text) : text);
      expect(await publishedEvents(file, FIELDS)).toEqual([EVENT]);
      expect(await spineInputs(places, file, { id: 'string' })).toEqual({
        times: [MS],
        rows: [{ id: 'a' }],
      });
    },
  );

  test('of NDJSON may be compressed, and may begin with a byte order mark', async () => {
    const line = '{"id":"\uFEFFa"}';
    for (const [name, bytes] of [
      ['a.ndjson', `\uFEFF${line}\n${line}`],
      ['a.ndjson.gz', gzipSync(`${line}\r\n\n${line}\n`)],
    ] as const)
      expect(await ndjson(places.write(name, bytes))).toEqual([
        { id: '\uFEFFa' },
        { id: '\uFEFFa' },
      ]);
  });

  test('under a name that is a pattern elsewhere is that file, and folders are no columns', async () => {
    for (const name of [
      'x[1].parquet',
      'x*.parquet',
      'x?.parquet',
      '{x1,x2}.parquet',
      "x'1.parquet",
    ]) {
      const select = (id: string): string =>
        `SELECT '${T}' AS ts, '${T}' AS event_timestamp, '${id}' AS id`;
      await places.writeParquet('x1.parquet', select('other'));
      await places.writeParquet('x2.parquet', select('other'));
      const file = await places.writeParquet(name, select('a'));
      expect(await publishedEvents(file, FIELDS)).toEqual([EVENT]);
      expect((await spineInputs(places, file, { id: 'string' })).rows).toEqual([{ id: 'a' }]);
    }
    for (const name of ['id=b/day=2026-01-01/x.parquet', 'id=b/x.csv']) {
      const file = places.path(name);
      mkdirSync(dirname(file), { recursive: true });
      if (name.endsWith('.csv')) places.write(name, CSV);
      else
        await places.writeParquet(
          name,
          `SELECT '${T}' AS ts, '${T}' AS event_timestamp, 'a' AS id`,
        );
      expect(await publishedEvents(file, FIELDS, { extra: false }).catch(String)).toMatch(
        /columns that are not fields of the source: event_timestamp;/,
      );
      expect(await publishedEvents(file, FIELDS)).toEqual([EVENT]);
      expect((await spineInputs(places, file, { id: 'string' })).rows).toEqual([{ id: 'a' }]);
    }
  });

  test('of many rows is sent from any row on, and each row once', async () => {
    const rows = Array.from({ length: 5_000 }, (_, i) => `${T},${T},"${i}\n"\n`);
    const csv = places.write('many.csv', `ts,event_timestamp,id\n${rows.join('')}`);
    const parquet = await places.writeParquet(
      'many.parquet',
      `SELECT '${T}' AS ts, '${T}' AS event_timestamp, i || chr(10) AS id FROM range(5000) r(i)`,
    );
    for (const file of [csv, parquet])
      for (const [skip, limit] of [
        [0, Number.POSITIVE_INFINITY],
        [1_999, Number.POSITIVE_INFINITY],
        [2_500, 2_501],
        [0, 0],
        [5_000, Number.POSITIVE_INFINITY],
        [6_000, Number.POSITIVE_INFINITY],
      ] as const) {
        const events = await publishedEvents(file, FIELDS, { skip, limit });
        const ids = Array.from({ length: 5_000 }, (_, i) => `${i}\n`).slice(skip, limit);
        expect(events.map(({ id }) => id)).toEqual(ids);
      }
  });
});

describe('a file is refused', () => {
  const kinds: readonly (readonly [name: string, bytes: string | Uint8Array, why: RegExp])[] = [
    [
      'cut.csv.gz',
      gzipSync(CSV.repeat(1_000)).subarray(0, 60),
      /gzip that is broken or not complete/,
    ],
    ['more.csv.gz', Buffer.concat([gzipSync(CSV), Buffer.from('more')]), /gzip that is broken/],
    ['parquet.csv', 'PAR1', /is a Parquet file/],
    ['sheet.csv', Buffer.from('504b0304', 'hex'), /ZIP or Excel file: save the sheet as CSV/],
    ['zstd.csv', Buffer.from('28b52ffd00', 'hex'), /Zstandard/],
    ['wide.csv', Buffer.from(`\uFEFF${CSV}`, 'utf16le'), /is in UTF-16: write it in UTF-8/],
    ['latin.csv', Buffer.from(`${CSV}${T},${T},é\n`, 'latin1'), /line 3: the text is not UTF-8/],
    ['short.csv', `${CSV}${T},${T}\n`, /line 3: the row has 2 cells, and the header has 3/],
    ['two.csv', `${CSV}${CSV}`, /line 3: the line is a second header/],
    ['empty.csv', '', /line 1: the file is empty/],
  ];
  test.each(kinds)('%s', async (name, bytes, why) => {
    const file = places.write(name, bytes);
    await expect(publishedEvents(file, FIELDS)).rejects.toMatchObject({
      code: 'MR_FILE_INVALID',
      message: expect.stringMatching(why),
    });
    await expect(spineInputs(places, file, {})).rejects.toMatchObject({
      code: 'MR_SPINE_INVALID',
      message: expect.stringMatching(why),
    });
    await expect(spineRows(file)).rejects.toThrow(why);
  });

  test('before the first event is sent', async () => {
    const file = places.write('late.csv', `ts,id\n${`${T},a\n`.repeat(100_000)}${T}\n`);
    const batches = csvBatches(table(file), reading);
    await expect(batches.next()).rejects.toThrow(/line 100002: .*; no event was sent/);
    const start = csvBatches(table(file), { ...reading, limit: 1_000 });
    expect((await start.next()).value).toMatchObject({ count: 1_000 });
  });

  test('that is no file', async () => {
    const pipe = places.path('pipe.csv');
    execFileSync('mkfifo', [pipe]);
    const folder = places.path('folder.csv');
    mkdirSync(folder);
    for (const [path, why] of [
      [pipe, /not a regular file/],
      [folder, /is a directory/],
      [places.path('none.csv'), /there is no file/],
    ] as const) {
      await expect(requireRegularFile(path)).rejects.toMatchObject({
        code: 'MR_FILE_INVALID',
        message: expect.stringMatching(why),
      });
      await expect(spineInputs(places, path, {})).rejects.toMatchObject({
        code: 'MR_SPINE_INVALID',
        message: expect.stringMatching(why),
      });
    }
    await expect(spineInputs(places, places.write('a.parquet', CSV), {})).rejects.toMatchObject({
      code: 'MR_SPINE_INVALID',
      message: expect.stringMatching(/cannot be read/),
    });
    await expect(publishedEvents(places.path('a.parquet'), FIELDS)).rejects.toMatchObject({
      code: 'MR_FILE_INVALID',
    });
  });
});

test('the rows of a spine for another machine have the values of its file', async () => {
  const csv = places.write('away.csv', `event_timestamp;id;empty;none\n${T};007;"";\n`);
  expect(await spineRows(csv)).toEqual([{ event_timestamp: T, id: '007', empty: '', none: null }]);
  const parquet = await places.writeParquet(
    'away.parquet',
    `SELECT TIMESTAMP '2026-01-02 00:00:00' AS event_timestamp, TIMESTAMPTZ '1970-01-18 00:00:00+00' AS near, 9007199254740993 AS big, 5 AS small, 12.30::DECIMAL(10,2) AS price,
       1.5::DOUBLE AS real, 'nan'::DOUBLE AS nan, 0.1::FLOAT AS f, true AS flag, DATE '2026-01-02' AS day, '\\xFF'::BLOB AS bytes, [1, NULL] AS list, NULL AS none, '' AS empty`,
  );
  expect(await spineRows(parquet)).toEqual([
    {
      event_timestamp: '2026-01-02 00:00:00Z',
      near: '1970-01-18 00:00:00+00',
      big: '9007199254740993',
      small: 5,
      price: '12.30',
      real: 1.5,
      nan: 'nan',
      f: 0.1,
      flag: true,
      day: '2026-01-02',
      bytes: '/w==',
      list: [1, null],
      none: null,
      empty: '',
    },
  ]);
});
