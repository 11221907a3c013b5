/**
 * A file's columns belong to the user: any name works, the spine's columns come out as they went
 * in, and rows in equal rows out.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import {
  count,
  entity,
  featureView,
  onDemandFeature,
  request,
  source,
} from '#domain/definitions/index.ts';
import type { TrainingSetJob } from '#domain/ports/training-set-builder.ts';
import { literal } from '#domain/sql/duckdb/names.ts';
import type { Row } from '#domain/values/value.ts';
import { buildTrainingSet } from '#infra/training-sets/build-training-set.ts';
import { accepted, type FilePlaces, filePlaces, publishedEvents, spineInputs } from './places.ts';
import {
  LONG_DECIMAL,
  NAME_TWICE,
  NAMES_OF_ONE_WORD,
  ZONED_NANOS,
  ZONED_NANOS_FILE,
} from './samples.ts';

/** Names that mean something to DuckDB, to SQL, to CSV or to JavaScript. */
const NAMES = [
  'rowid',
  'filename',
  'file_row_number',
  'row_no',
  'c0',
  's',
  'select',
  'a"b',
  'x.y',
  '_millrace_time',
  '__millrace_row',
  'a,b',
  'line\nbreak',
  "it's",
  ' space ',
  'ünï 😀',
  'constructor',
  '__proto__',
  'ID',
  'Event_Timestamp',
  '10',
  '',
] as const;

const thing = entity({ name: 'thing', keys: { id: 'string' } });
const events = source({ name: 'src', fields: { ts: 'timestamp', id: 'string' }, eventTime: 'ts' });
const view = featureView({ name: 'vw', entity: thing, source: events, features: { n: count() } });
const job: Omit<TrainingSetJob, 'spine' | 'out'> = {
  overwrite: true,
  target: {
    members: [view.pick('n')],
    views: [{ view, source: events, entity: thing }],
    onDemand: [],
  },
  mode: 'event-time',
  sources: { src: { files: [], below: [] } },
};

let places: FilePlaces;
beforeAll(async () => {
  places = await filePlaces();
});
afterAll(() => places.close());

const bytes = (base64: string): Buffer => Buffer.from(base64, 'base64');

const csvOf = async (
  spine: TrainingSetJob['spine'],
  target: TrainingSetJob['target'] = job.target,
  withStatus = false,
): Promise<string> => {
  const out = places.path('out.csv');
  await buildTrainingSet({ ...job, target, withStatus, spine, out });
  return readFileSync(out, 'utf8');
};

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
const needed = (text: string): string => (/[",\r\n]/.test(text) ? quoted(text) : text);
const T = '2026-01-02T00:00:00Z';
/** Of 18 digits: a double has not so many. */
const BIG = '123456789012345678';

describe('names', () => {
  test('of all kinds stay in a spine from CSV, and are found as keys and inputs', async () => {
    const header = ['id', 'event_timestamp', ...NAMES].map(quoted).join(',');
    const row = ['a', T, ...NAMES.map((name) => `=${name}`)].map(quoted).join(',');
    const file = places.write('names.csv', `${header}\n${row}\n`);
    expect(await csvOf({ file })).toBe(`${header},n\n${row},0\n`);
    const inputs = Object.fromEntries(NAMES.map((name) => [name, 'string']));
    const { rows } = await spineInputs(places, file, inputs);
    expect(rows).toEqual([Object.fromEntries(NAMES.map((name) => [name, `=${name}`]))]);
  });

  test('of all kinds are columns of events', async () => {
    const fields = NAMES.filter((name) => /^\w+$/.test(name) && !name.startsWith('__'));
    const all = Object.fromEntries(fields.map((name) => [name, 'string']));
    const header = ['ts', ...NAMES].map(quoted).join(',');
    const csv = places.write('events.csv', `${header}\n${T},${NAMES.map(quoted).join(',')}\n`);
    const expected = { ts: T, ...Object.fromEntries(fields.map((name) => [name, name])) };
    expect(await publishedEvents(csv, { ts: 'timestamp', ...all })).toEqual([expected]);
    const named = NAMES.filter((name) => name !== '');
    const parquet = await places.writeParquet(
      'events.parquet',
      `SELECT ${[['ts', T], ...named.map((name) => [name, name])].map(([name = '', value = '']) => `${literal(value)} AS ${quoted(name)}`).join(', ')}`,
    );
    expect(await publishedEvents(parquet, { ts: 'timestamp', ...all })).toEqual([expected]);
    const out = await csvOf({
      file: await places.writeParquet(
        'spine.parquet',
        `SELECT 'a' AS id, ${literal(T)} AS event_timestamp, * EXCLUDE (ts, "ID", "Event_Timestamp") FROM ${literal(parquet)}`,
      ),
    });
    const kept = named.filter((name) => name !== 'ID' && name !== 'Event_Timestamp');
    expect(out).toBe(
      `id,event_timestamp,${kept.map(needed).join(',')},n\na,${T},${kept.map(needed).join(',')},0\n`,
    );
  });

  test('of rows in memory stay', async () => {
    const row = Object.fromEntries([
      ...NAMES.filter((name) => name !== '10').map((name) => [name, `=${name}`]),
      ['id', 'a'],
      ['event_timestamp', T],
    ]) as Row;
    const names = Object.keys(row);
    expect(await csvOf({ rows: [row] })).toBe(
      `${names.map(needed).join(',')},n\n${names.map((name) => needed(String(row[name]))).join(',')},0\n`,
    );
  });

  test('that differ only in case, and none, are read by position', async () => {
    const file = places.write('case.parquet', bytes(NAMES_OF_ONE_WORD));
    expect(await csvOf({ file })).toBe(
      `ID,id,,event_timestamp,ts,n\nother,a,no name,${T},${T},0\n`,
    );
    const [event] = await publishedEvents(file, { ts: 'timestamp', id: 'string' });
    expect(event).toEqual({ ts: T, id: 'a' });
    const refused = (spine: TrainingSetJob['spine']) =>
      buildTrainingSet({ ...job, spine, out: places.path('out.parquet') });
    await expect(refused({ file })).rejects.toMatchObject({
      code: 'MR_SPINE_INVALID',
      message: expect.stringMatching(/columns "ID" and "id" of the spine differ only in case/),
    });
    const unnamed = places.write('unnamed.csv', `,id,event_timestamp\n0,a,${T}\n`);
    await expect(refused({ file: unnamed })).rejects.toThrow(/column 1 of the spine has no name/);
    expect(await csvOf({ file: unnamed })).toBe(`,id,event_timestamp,n\n0,a,${T},0\n`);
  });

  test('that are twice in a file are refused', async () => {
    const parquet = places.write('twice.parquet', bytes(NAME_TWICE));
    const csv = places.write('twice.csv', `id,id,event_timestamp\na,b,${T}\n`);
    for (const file of [parquet, csv]) {
      await expect(csvOf({ file })).rejects.toMatchObject({
        code: 'MR_SPINE_INVALID',
        message: expect.stringContaining('"id"'),
      });
      await expect(publishedEvents(file, { ts: 'timestamp', id: 'string' })).rejects.toMatchObject({
        code: 'MR_FILE_INVALID',
        message: expect.stringContaining('"id"'),
      });
    }
  });

  test('of a spine and of a feature may not be equal, also but for case', async () => {
    for (const name of ['n', 'N'])
      await expect(csvOf({ rows: [{ id: 'a', event_timestamp: T, [name]: 1 }] })).rejects.toThrow(
        `the spine has a column "${name}", and the data set has a feature "n"`,
      );
  });

  test('of a spine and of statuses may not be equal, also but for case, where there are statuses', async () => {
    for (const name of ['n__status', 'N__STATUS']) {
      const spine = { rows: [{ id: 'a', event_timestamp: T, [name]: 1 }] };
      expect(await csvOf(spine)).toBe(`id,event_timestamp,${name},n\na,${T},1,0\n`);
      await expect(csvOf(spine, job.target, true)).rejects.toMatchObject({
        code: 'MR_SPINE_INVALID',
        message: `the spine has a column "${name}", and the data set has the statuses of "n" in a column "n__status": rename the column`,
        details: { column: name },
      });
    }
  });

  test('of a feature and of statuses may not be equal, where there are statuses', async () => {
    const two = featureView({
      name: 'two',
      entity: thing,
      source: events,
      features: { n: count(), n__status: count() },
    });
    const target = {
      members: [two.pick('n', 'n__status')],
      views: [{ view: two, source: events, entity: thing }],
      onDemand: [],
    };
    const spine = { rows: [{ id: 'a', event_timestamp: T }] };
    expect(await csvOf(spine, target)).toBe(`id,event_timestamp,n,n__status\na,${T},0,0\n`);
    await expect(csvOf(spine, target, true)).rejects.toMatchObject({
      code: 'MR_REFUSED',
      message: expect.stringMatching(
        /^the data set has a feature "n__status", and the statuses of "n" would have the same name: /,
      ),
      details: { column: 'n__status' },
    });
  });

  test('a key and an input of one name are read from one column, each as its type', async () => {
    const plus = onDemandFeature({
      name: 'plus',
      type: 'double',
      inputs: { id: request('id', 'int') },
      value: ({ id }) => id.plus(1),
    });
    const target = {
      ...job.target,
      members: [view.pick('n'), { from: 'on-demand', name: 'plus' } as const],
      onDemand: [plus],
    };
    const file = places.write('both.csv', `id,event_timestamp\n7,${T}\n`);
    expect(await csvOf({ file }, target)).toBe(`id,event_timestamp,n,plus\n7,${T},0,8.0\n`);
  });
});

describe('the columns of a spine', () => {
  it('come out of CSV byte for byte, in their order', async () => {
    const text = fc.oneof(
      fc.string({ maxLength: 8 }),
      fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r\n', ' ', 'é', '\0', 'x') }),
      fc.constantFrom('1E10', '1.10', '007', '0x1F', 'TRUE', '12345678901234567890123', '5" pipe'),
    );
    const cell = fc.oneof(
      fc.constant(''),
      text.map(quoted),
      text.filter((one) => !/[,\r\n]|^"/.test(one)),
    );
    const table = fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(table, fc.boolean(), async (cells, crlf) => {
        const rows = cells.map(([first, second]) => `${first},a,${T},${second}`);
        const end = crlf ? '\r\n' : '\n';
        const file = places.write('bytes.csv', ['x,id,event_timestamp,"y"', ...rows].join(end));
        const expected = rows.map((row) => `${row},0\n`).join('');
        expect(await csvOf({ file })).toBe(`x,id,event_timestamp,"y",n\n${expected}`);
      }),
      { numRuns: 25 },
    );
  });

  test.each([';', '\t', '|'])('of a file with %j keep their texts', async (delimiter) => {
    const rows = [
      ['id', 'event_timestamp', 'price', 'note', 'empty', 'none'],
      ['a', T, '1,50', '"say ""hi"""', '""', ''],
    ];
    const text = rows.map((row) => row.join(delimiter)).join('\n');
    const file = places.write('cells.csv', text);
    expect(await csvOf({ file })).toBe(
      `id,event_timestamp,price,note,empty,none,n\na,${T},"1,50","say ""hi""","",,0\n`,
    );
  });

  test('from CSV are typed in Parquet where no text loses anything', async () => {
    const columns = {
      whole: ['1', '-20', BIG],
      real: ['1.5', '-0.25', '10.0'],
      flag: ['true', 'false', 'true'],
      day: ['2026-01-31', '0001-01-01', '9999-12-31'],
      zip: ['00501', '10001', '90210'],
      version: ['1.10', '1.9', '2.0'],
      gene: ['1E10', '2E10', '3E10'],
      yes: ['TRUE', 'true', 'false'],
      mixed: ['1', '1.0', '2.5'],
      long: ['12345678901234567890', '1', '2'],
      spaced: [' 1', '2', '3'],
      time: [T, T, T],
      none: ['', '', ''],
    };
    const names = Object.keys(columns) as (keyof typeof columns)[];
    const rows = [0, 1, 2].map((i) => names.map((name) => columns[name][i]).join(','));
    const file = places.write(
      'typed.csv',
      `id,event_timestamp,${names.join(',')}\n${rows.map((row) => `a,${T},${row}\n`).join('')}`,
    );
    const out = places.path('typed.parquet');
    await buildTrainingSet({ ...job, spine: { file }, out });
    const described = await places.query(`DESCRIBE SELECT * FROM ${literal(out)}`);
    const types = new Map(described.map(([name, type]) => [String(name), String(type)]));
    expect(names.map((name) => [name, types.get(name)])).toEqual([
      ['whole', 'BIGINT'],
      ['real', 'DOUBLE'],
      ['flag', 'BOOLEAN'],
      ['day', 'DATE'],
      ...names.slice(4).map((name) => [name, 'VARCHAR']),
    ]);
    const read = await places.query(
      `SELECT ${names.map((name) => `CAST(${name} AS VARCHAR)`).join(', ')} FROM ${literal(out)}`,
    );
    expect(read).toEqual([0, 1, 2].map((i) => names.map((name) => columns[name][i] || null)));
  });

  test('from Parquet keep their types and values, to Parquet and to CSV', async () => {
    const columns = [
      '5::TINYINT AS tiny',
      '18446744073709551615::UBIGINT AS u',
      '12.30::DECIMAL(10,2) AS d',
      '0.1::FLOAT AS f',
      '0.1::DOUBLE AS g',
      "'nan'::DOUBLE AS nan",
      'true AS b',
      "'' AS empty",
      'NULL::VARCHAR AS none',
      "'a\"b,c' AS q",
      "DATE '0001-01-01' AS day",
      "TIMESTAMP '2024-02-29 12:00:00.000001' AS naive",
      "TIMESTAMPTZ '2024-02-29 12:00:00+02' AS zoned",
      'make_timestamp_ns(1709208000000000001) AS ns',
      "TIME '10:00:00' AS clock",
      "'\\xFF\\x00'::BLOB AS blob",
      "['a,b', NULL, ''] AS list",
      '[[1.5], []]::DOUBLE[][] AS nested',
      "{a: 1, b: 'x'} AS struct",
      "'6f1c7a0e-1b2c-4d3e-8f90-123456789abc'::UUID AS uuid",
    ];
    const file = await places.writeParquet(
      'kinds.parquet',
      `SELECT 'a' AS id, TIMESTAMP '2026-01-02 00:00:00' AS event_timestamp, ${columns.join(', ')}`,
    );
    const out = places.path('kinds-out.parquet');
    await buildTrainingSet({ ...job, spine: { file }, out });
    const original = await places.query(`DESCRIBE SELECT * FROM ${literal(file)}`);
    const written = await places.query(`DESCRIBE SELECT * EXCLUDE (n) FROM ${literal(out)}`);
    expect(written).toEqual(original);
    expect(
      await places.query(
        `(FROM ${literal(file)}) EXCEPT ALL (SELECT * EXCLUDE (n) FROM ${literal(out)})`,
      ),
    ).toEqual([]);
    expect((await csvOf({ file })).split('\n')[1]).toBe(
      [
        'a,2026-01-02 00:00:00Z,5,18446744073709551615,12.30,0.1,0.1,nan,true,"",,"a""b,c",0001-01-01',
        '2024-02-29 12:00:00.000001,2024-02-29 10:00:00+00,2024-02-29 12:00:00.000000001,10:00:00,/wA=',
        '"[""a,b"",null,""""]","[[1.5],[]]","{\'a\': 1, \'b\': x}",6f1c7a0e-1b2c-4d3e-8f90-123456789abc,0',
      ].join(','),
    );
  });
});

describe('values that DuckDB reads wrongly', () => {
  test('decimals of more than 38 digits are refused', async () => {
    const file = places.write('decimal.parquet', bytes(LONG_DECIMAL));
    await expect(publishedEvents(file, { ts: 'timestamp', v: 'double' })).rejects.toThrow(
      /column "v" has decimals of 60 digits/,
    );
    expect(await publishedEvents(file, { ts: 'timestamp' })).toEqual([{ ts: T }]);
    await expect(spineInputs(places, file, {})).rejects.toThrow(/column "v" .* 60 digits/);
  });

  test('nanoseconds with a zone are rounded down, also before 1970', async () => {
    const file = places.write('nanos.parquet', bytes(ZONED_NANOS_FILE));
    const expected = ZONED_NANOS.map((ns) =>
      Number((ns - (((ns % 1_000_000n) + 1_000_000n) % 1_000_000n)) / 1_000_000n),
    );
    expect((await spineInputs(places, file, {})).times).toEqual(expected);
    const fields = { ts: 'timestamp', event_timestamp: 'timestamp' };
    const sent = await publishedEvents(file, fields);
    expect(sent.map((event) => accepted('timestamp', event.event_timestamp))).toEqual(expected);
  });
});
