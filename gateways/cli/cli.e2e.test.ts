/**
 * The command line against the HTTP gateway over a fake platform: in this process, and as a child
 * where the process is the point (exit status, stdin, definition modules).
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { MillraceError } from '#domain/errors.ts';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { type Ran, runInProcess, runProcess } from '#tests/support/cli.ts';
import { createFakePlatform, type FakePlatform } from '#tests/support/fake-platform.ts';
import { createProgram } from './program.ts';

let directory: string;
let platform: FakePlatform;
let gateway: HttpGateway;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
});
beforeEach(async () => {
  await gateway?.close();
  platform = createFakePlatform();
  gateway = await createHttpGateway({ modules: httpModules(), platform, port: 0 });
});
afterAll(async () => {
  await gateway.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Options {
  readonly url?: string;
  /** what the command reads from stdin */
  readonly input?: string;
}

const envOf = ({ url }: Options): NodeJS.ProcessEnv => ({
  MILLRACE_URL: url ?? gateway.url,
  MILLRACE_ACTOR: 'Zoë',
});
const run = (args: readonly string[], options: Options = {}): Promise<Ran> =>
  runInProcess(args, envOf(options));
const runChild = (args: readonly string[], options: Options = {}): Promise<Ran> =>
  runProcess(args, envOf(options), options.input);

const file = (name: string, text: string): string => {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
};

test('the names of the commands are those of the interface, each with a help text and an example', async () => {
  const names: string[] = [];
  const walk = (command: Awaited<ReturnType<typeof createProgram>>, prefix: string): void => {
    for (const child of command.commands) {
      names.push(`${prefix}${child.name()}`);
      walk(child, `${prefix}${child.name()} `);
      let help = '';
      child.configureOutput({
        writeOut: (text) => {
          help += text;
        },
      });
      child.outputHelp();
      expect(child.description(), child.name()).not.toBe('');
      if (child.commands.length === 0) expect(help, child.name()).toMatch(/^Examples?:$/m);
    }
  };
  walk(await createProgram(), '');
  expect(names).toEqual([
    'serve',
    'plan',
    'apply',
    'publish',
    'import',
    'import history',
    'import feast',
    'export',
    'get',
    'dataset',
    'dataset make',
    'dataset list',
    'dataset show',
    'dataset rerun',
    'dataset diff',
    'batch',
    'rollup',
    'sql',
    'sql tables',
    'sql setup',
    'replay',
    'replay start',
    'replay list',
    'replay show',
    'replay compare',
    'replay promote',
    'replay rollback',
    'replay abandon',
    'replay retire',
    'explain',
    'audit',
    'audit log',
    'audit head',
    'audit key',
    'audit verify',
    'served',
    'skew',
    'rejected',
    'rejected list',
    'rejected show',
    'rejected resend',
    'late',
    'list',
    'show',
    'search',
    'lineage',
    'deprecate',
    'retire',
    'restore',
    'backup',
    'backup list',
    'backup verify',
    'backup prune',
    'status',
    'keys',
    'keys create',
    'keys list',
    'keys revoke',
    'approvals',
    'approvals require',
    'approvals list',
    'approvals show',
    'approvals approve',
    'approvals refuse',
    'verify',
    'repair',
    'erase',
    'erase list',
    'erase show',
    'erase verify',
    'mcp',
    'stack',
    'stack up',
    'stack down',
    'stack status',
    'stack verify',
    'stack repair',
    'stack logs',
  ]);
});

test('wrong usage exits 2 with stdout empty', async () => {
  const wrong = [
    ['nope'],
    [],
    ['get', 'delay_model'],
    ['get', 'delay_model', '--entity', 'ATL'],
    ['get', 'delay_model', '--entity', 'airport=ATL'],
    ['dataset', 'delay_model'],
    ['dataset', 'delay_model', '--spine', 'a.csv', '--out', 'b.xlsx'],
    ['dataset', 'delay_model', '--out', 'b.csv'],
    ['dataset', 'delay_model', '--every', '1d', '--out', 'b.csv'],
    ['dataset', 'delay_model', '--spine', 'a.csv', '--events', 'flights', '--out', 'b.csv'],
    ['dataset', 'delay_model', '--spine', 'a.csv', '--label', 'delay', '--out', 'b.csv'],
    ['dataset', 'delay_model', '--spine', 'a.csv', '--out', 'b.csv', '--engine', 'duckdb'],
    ['dataset', 'rerun', 'delay_v1'],
    ['publish', 'flights', 'x.csv', '--format', 'xml'],
    ['explain', 'airport_delays', '--entity', 'origin=ATL'],
    ['list', 'tables'],
    ['rollup', 'airport_delays', '--every', 'week'],
    ['serve', '--port', 'x'],
    ['rejected', 'resend', 'flights'],
    ['status', '--url', 'ftp://x'],
    ['backup', 'prune', directory, '--older-than', '3 weeks'],
  ];
  const results = await Promise.all(wrong.map((args) => run(args)));
  results.push(...(await Promise.all(wrong.slice(0, 2).map((args) => runChild(args)))));
  wrong.push(...wrong.slice(0, 2));
  results.forEach(({ status, out, err }, i) => {
    expect([status, out], `${(wrong[i] as string[]).join(' ')}\n${err}`).toEqual([2, '']);
    expect(err).not.toBe('');
  });
});

test('an error of usage is one line, and a near name is all the help it needs', async () => {
  const lines = {
    pln: "error: unknown command 'pln'; did you mean plan?\n",
    'plan f.ts --agianst x': "error: unknown option '--agianst'; did you mean --against?\n",
    'replay strt': "error: unknown command 'strt'; did you mean start?\n",
    plan: "error: missing required argument 'file' (--help shows the usage)\n",
    'export flights': 'error: the export of a source needs --out FILE\n',
  };
  for (const [args, err] of Object.entries(lines))
    expect(await run(args.split(' '))).toEqual({ status: 2, out: '', err });
});

test('a refusal exits 1 and says code, message and remedy on stderr', async () => {
  const { status, out, err } = await runChild(['get', 'nope', '--entity', 'origin=ATL']);
  expect([status, out]).toEqual([1, '']);
  expect(err).toMatch(
    /^error MR_NOT_FOUND: there is no feature service or feature view "nope"\n {2}Check the name/,
  );
  const feature = await run(['get', 'airport_delays:delay_avg_1d', '--entity', 'origin=ATL']);
  expect(feature.err).toContain(
    'give the name of the view, "airport_delays", to see all its features',
  );
  const nowhere = await run(['publish', 'flights', join(directory, 'nowhere.ndjson')]);
  expect(nowhere.err).toMatch(/MR_FILE_INVALID: there is no file ".*nowhere\.ndjson"/);
  const json = await run(['show', 'nope', '--json']);
  expect(json.status).toBe(1);
  expect(JSON.parse(json.err)).toMatchObject({ code: 'MR_NOT_FOUND' });
  const away = await run(['status'], { url: 'http://127.0.0.1:1' });
  expect([away.status, away.err]).toEqual([1, expect.stringContaining('error MR_UNREACHABLE')]);
});

test('--json prints a document, or one line per record', async () => {
  const documents = [
    ['get', 'delay_model', '--entity', 'origin=ATL'],
    ['status'],
    ['audit', 'verify'],
    ['show', 'airport_delays'],
    ['lineage', 'flights'],
    ['replay', 'show', 'r1'],
    ['replay', 'compare', 'r1'],
    ['replay', 'promote', 'r1', '--reason', 'good'],
    ['explain', 'airport_delays.departures', '--entity', 'origin=ATL'],
    ['batch', 'airport_delays', '--out', 'x.parquet'],
    ['rollup', 'airport_delays', '--every', 'day'],
    ['rejected', 'show', 'flights', 'rejected.flights@0:0'],
    ['rejected', 'resend', 'flights', '--all'],
  ];
  const lists = [
    ['list'],
    ['list', 'entities'],
    ['search', 'gate'],
    ['audit', 'log'],
    ['rejected', 'list', 'flights'],
    ['late', 'airport_delays'],
    ['replay', 'list'],
  ];
  const ran = await Promise.all([...documents, ...lists].map((args) => run([...args, '--json'])));
  ran.forEach(({ status, out, err }, i) => {
    const what = ([...documents, ...lists][i] as string[]).join(' ');
    expect(status, `${what}\n${err}`).toBe(0);
    const lines = out.trimEnd().split('\n');
    if (i < documents.length) expect(lines, what).toHaveLength(1);
    for (const line of lines) expect(JSON.parse(line), what).toBeTypeOf('object');
  });
});

test('text is made for reading', async () => {
  const [got, explained, log, status] = await Promise.all([
    run(['get', 'delay_model', '--entity', 'origin=ATL', 'origin=Zürich']),
    run(['explain', 'gate_use.uses', '--entity', 'airport=ATL', 'number=3']),
    run(['audit', 'log']),
    run(['status']),
  ]);
  expect(got.out.split('\n').slice(0, 3)).toEqual([
    'origin  departures  delay_avg_1d',
    'ATL              3           2.5',
    'Zürich           0             –',
  ]);
  expect(got.out).toContain(
    'airport_delays version 1, generation 1, events up to 2026-01-31T12:00:00.000Z',
  );
  expect(explained.out).toContain('gate_use.uses of airport=ATL number=3 is 3 (present)');
  expect(explained.out).toContain('raw.flights@0:2');
  expect(explained.out).toContain('✓ recomputed from these events: 3');
  expect(log.out).toContain('2026-01-31T12:00:00.000Z  ann');
  expect(status.out).toContain('airport_delays');
});

test('entities are typed by their definition', async () => {
  await run([
    'get',
    'gate_use',
    '--entity',
    'airport=17',
    'number=17',
    '--at',
    '2026-01-31T12:00:00Z',
  ]);
  expect(platform.calls.at(-1)?.args[0]).toEqual({
    features: ['gate_use:uses'],
    entities: [{ airport: '17', number: 17 }],
    at: 1_769_860_800_000,
  });
  const wrong = await run(['get', 'gate_use', '--entity', 'airport=1', 'number=B']);
  expect([wrong.status, wrong.err]).toEqual([1, expect.stringContaining('MR_ENTITY_INVALID')]);
});

test('definitions come from modules anywhere, and from JSON; an error names the file', async () => {
  const good = file(
    'good.ts',
    "import { entity } from 'millrace';\nexport const user = entity({ name: 'user', keys: { id: 'string' } });\nexport const again: typeof user = user;\n",
  );
  const json = file(
    'more.json',
    JSON.stringify([{ kind: 'entity', name: 'shop', keys: { id: 'string' } }]),
  );
  const applied = await runChild(['apply', good, json, '--reason', 'first']);
  expect([applied.status, applied.err]).toEqual([0, '']);
  expect(applied.out).toContain('+ entity user: create');
  const call = platform.calls.find(({ method }) => method === 'apply');
  expect((call?.args[0] as { name: string }[] | undefined)?.map(({ name }) => name)).toEqual([
    'user',
    'shop',
  ]);
  expect(call?.args.slice(1)).toEqual([
    { reason: 'first' },
    { actor: 'Zoë', requestId: expect.any(String) },
  ]);

  const bad: readonly (readonly [string, string, string])[] = [
    ['syntax.ts', "import { entity } from 'millrace';\nexport const = 3;\n", 'syntax.ts'],
    ['missing.ts', "import { entitee } from 'millrace';\nexport const a = entitee;\n", 'entitee'],
    ['none.js', 'export const a = 1;\n', 'exports no definition'],
    ['throws.ts', "export const a = 1;\nthrow new Error('boom');\n", 'boom'],
    ['broken.json', '{', 'not JSON'],
    [
      'two.ts',
      "import { entity } from 'millrace';\nexport const user = entity({ name: 'shop', keys: { other: 'string' } });\n",
      'has two different definitions',
    ],
  ];
  const results = await Promise.all(
    bad.map(([name, text]) =>
      runChild(['plan', ...(name === 'two.ts' ? [json] : []), file(name, text)]),
    ),
  );
  results.forEach(({ status, err }, i) => {
    const [name, , says] = bad[i] as readonly [string, string, string];
    expect(status, err).toBe(1);
    expect(err).toContain('MR_FILE_INVALID');
    expect(err).toContain(name);
    expect(err).toContain(says);
  });
  const { status, err } = await runChild(['plan', join(directory, 'nowhere.ts')]);
  expect(status).toBe(1);
  expect(err).toMatch(/MR_FILE_INVALID: there is no file ".*nowhere\.ts"/);
});

test('publish NDJSON from stdin: bad lines and rejected events are reported, the rest is accepted', async () => {
  const { status, out, err } = await runChild(['publish', 'flights', '--json'], {
    input: '{"origin":"A"}\n\n{bad\n{"delay":1}\n{"origin":"Ω"}',
  });
  // Some events were rejected: a script must notice.
  expect(status, err).toBe(1);
  expect(JSON.parse(out)).toMatchObject({
    accepted: 2,
    rejected: 2,
    rejectedByCode: { MR_BODY_INVALID: 1, MR_FIELD_MISSING: 1 },
    position: 'raw.flights@0:2',
  });
  expect(err).toContain('rejected line 3');
  expect(err).toContain('rejected event 2: MR_FIELD_MISSING');
  expect(platform.taken).toEqual([{ origin: 'A' }, { origin: 'Ω' }]);
});

test('publish: the server lists rejected events, so only the first are printed; bad lines all are', async () => {
  const lines = Array.from({ length: 30 }, (_, i) => `{bad ${i}\n{"delay":${i}}`).join('\n');
  const { status, err } = await runChild(['publish', 'flights'], { input: lines });
  expect(status, err).toBe(1);
  expect(err.match(/rejected line \d+:/g)).toHaveLength(30);
  expect(err.match(/rejected event \d+:/g)).toHaveLength(20);
  expect(err).toContain('only counted: `millrace rejected list flights`');
});

test('publish CSV: cells are typed by the fields, and one that does not fit is left to the server to reject', async () => {
  const csv = file(
    'flights.csv',
    'flight_id,date,from,delay,seats,cancelled,extra\n007,2026-01-31T12:00:00Z,"A ""x"", B",1.50,12,TRUE,1\n8,1769860800000,,oops,,,2\n',
  );
  const args = ['publish', 'flights', csv, '--map', 'origin=from'];
  const extra = await run(args);
  expect([extra.status, extra.err]).toEqual([1, expect.stringContaining('extra')]);
  const { status, err } = await run([...args, '--ignore-extra']);
  expect(status, err).toBe(0);
  expect(platform.taken).toEqual([
    {
      flight_id: '007',
      date: '2026-01-31T12:00:00Z',
      origin: 'A "x", B',
      delay: 1.5,
      seats: 12,
      cancelled: true,
    },
    {
      flight_id: '8',
      date: 1_769_860_800_000,
      origin: '',
      delay: 'oops',
      seats: null,
      cancelled: null,
    },
  ]);
});

const parquet = async (rows: number): Promise<string> => {
  const path = join(directory, `flights-${rows}.parquet`);
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(`COPY (SELECT 'f' || i AS flight_id, TIMESTAMP '2026-01-31 12:00:00.123456' + INTERVAL (i) SECOND AS date, 'ATL' AS origin,
    CASE WHEN i % 2 = 0 THEN i / 4.0 END::DOUBLE AS delay, i::INTEGER AS seats FROM range(${rows}) t(i)) TO '${path}' (FORMAT parquet)`);
  connection.closeSync();
  instance.closeSync();
  return path;
};

test('publish Parquet: in order, and continuing where it stopped', async () => {
  const path = await parquet(7_000);
  const first = await run(['publish', 'flights', path, '--limit', '2500', '--json']);
  expect(JSON.parse(first.out), first.err).toMatchObject({
    accepted: 2500,
    duplicates: 0,
    alreadyThere: 0,
  });
  const second = await run(['publish', 'flights', path, '--json']);
  expect(JSON.parse(second.out)).toMatchObject({
    accepted: 4500,
    duplicates: 0,
    alreadyThere: 2500,
  });
  expect(platform.taken.map((event) => (event as { flight_id: string }).flight_id)).toEqual(
    Array.from({ length: 7_000 }, (_, i) => `f${i}`),
  );
  expect(platform.taken.slice(0, 2)).toEqual([
    { flight_id: 'f0', date: 1_769_860_800_123, origin: 'ATL', delay: 0, seats: 0 },
    { flight_id: 'f1', date: 1_769_860_801_123, origin: 'ATL', delay: null, seats: 1 },
  ]);
  expect(JSON.parse((await run(['publish', 'flights', path, '--json'])).out)).toMatchObject({
    accepted: 0,
    alreadyThere: 7_000,
  });
  utimesSync(path, 1, 1);
  expect(JSON.parse((await run(['publish', 'flights', path, '--json'])).out)).toMatchObject({
    accepted: 7_000,
  });
});

test('publish waits for a server that is unavailable or erases, and sends an overtaken batch again', async () => {
  const path = await parquet(6_000);
  platform.failures.push(
    new MillraceError('MR_UNAVAILABLE', 'stopping'),
    new MillraceError('MR_MAINTENANCE', 'an erasure runs', { retryAfterMs: 10 }),
    new MillraceError('MR_UNAVAILABLE', 'stopping'),
  );
  const { status, out, err } = await run(['publish', 'flights', path, '--json']);
  expect(status, err).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ accepted: 6_000 });
  expect(platform.taken.map((event) => (event as { seats: number }).seats)).toEqual(
    Array.from({ length: 6_000 }, (_, i) => i),
  );
});

test('export writes a source’s events to a file that can be published; stopped or refused, it leaves none', async () => {
  const out = join(directory, 'exported.ndjson');
  const ran = await run(['export', 'flights', '--out', out]);
  expect([ran.status, ran.out]).toEqual([0, `3 events of flights written to ${out}\n`]);
  expect(readFileSync(out, 'utf8')).toBe(
    '{"origin":"ATL","delay":3}\n{"origin":"Zürich","delay":null}\n{"origin":"LAX","delay":0.5}\n',
  );
  const refused = await run(['export', 'nope', '--out', join(directory, 'no.ndjson')]);
  expect([refused.status, refused.err]).toEqual([
    1,
    expect.stringContaining('error MR_UNKNOWN_SOURCE: there is no source "nope"'),
  ]);
  platform.publishing.exportEvents = async () =>
    (async function* () {
      yield [{ origin: 'ATL' }];
      throw new Error('the disk is gone');
    })();
  const broken = await run(['export', 'flights', '--out', join(directory, 'broken.ndjson')]);
  expect([broken.status, broken.err]).toEqual([1, expect.stringContaining('error MR_UNREACHABLE')]);
  expect(readdirSync(directory).filter((name) => /^(no|broken)\.ndjson/.test(name))).toEqual([]);
});

test('dataset sends paths to a server on this machine, and says what was written', async () => {
  const spine = file('spine.csv', 'origin,event_timestamp\nATL,2026-01-31T12:00:00Z\n');
  const out = join(directory, 'out.csv');
  const ran = await run([
    'dataset',
    'delay_model',
    '--spine',
    spine,
    '--out',
    out,
    '--mode',
    'as-served',
    '--engine',
    'spark',
  ]);
  expect([ran.status, ran.out]).toEqual([
    0,
    `1 rows with 2 features (as-served) written to ${out}\n`,
  ]);
  expect(platform.calls.find(({ method }) => method === 'startDataset')?.args[0]).toEqual({
    target: { service: 'delay_model' },
    spine: { file: spine },
    out,
    mode: 'as-served',
    engine: 'spark',
  });
  expect(readFileSync(out, 'utf8')).toContain('departures');
});

test('replay start --wait shows the replay as it stands', async () => {
  const { status, out } = await run([
    'replay',
    'start',
    'gate_use',
    '--from',
    '2026-01-01T00:00:00Z',
    '--entity',
    'airport=A',
    'number=1',
    'airport=B',
    'number=2',
    '--wait',
  ]);
  expect(status).toBe(0);
  expect(out).toContain('state     ready');
  expect(platform.calls.at(-1)?.args[0]).toEqual({
    view: 'gate_use',
    from: 1_767_225_600_000,
    entities: [
      { airport: 'A', number: 1 },
      { airport: 'B', number: 2 },
    ],
  });
});
