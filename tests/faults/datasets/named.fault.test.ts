/**
 * The promise: a gateway that is killed at any point while it builds a named data set leaves no
 * part of a file at `out`. After a restart the build is reported as failed (or done, if it was),
 * and another build, of the same request or as a rerun, gives the bytes of an undisturbed one.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { avg, col, count, entity, featureView, last, source } from 'millrace';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatasetStatus } from '#domain/api/datasets.ts';
import type { DatasetManifest } from '#domain/datasets/manifest.ts';
import { plain } from '#tests/support/platform.ts';
import { call, type Server, startServer } from '#tests/support/server.ts';

const PRELOAD = fileURLToPath(new URL('./kill-at.ts', import.meta.url));
const HOUR = 3_600_000;
const T = Date.UTC(2026, 0, 1);
/** two row groups of a Parquet file */
const ROWS = 70_000;
const NAME = 'labels_v1';

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: { shop: 'string', at: 'timestamp', price: 'double?', item: 'string?' },
  eventTime: 'at',
});
const turnover = featureView({
  name: 'turnover',
  entity: shop,
  source: sales,
  features: {
    sold: count({ window: '2h', hop: '1h' }),
    price: avg(col('price'), { window: '1d', hop: '1h' }),
    item: last(col('item')),
  },
});

const root = mkdtempSync(join(tmpdir(), 'millrace-killed-'));
const spine = join(root, 'spine.csv');
const original = join(root, 'original');
let copies = 0;

/** A copy of the platform, with a directory for outputs. */
const copyOf = (data: string): { readonly data: string; readonly outputs: string } => {
  const copy = join(root, `copy-${++copies}`);
  cpSync(data, join(copy, 'data'), { recursive: true });
  mkdirSync(join(copy, 'outputs'));
  return { data: join(copy, 'data'), outputs: join(copy, 'outputs') };
};

const publish = async (server: Server, hours: readonly number[]): Promise<void> => {
  const events = hours.flatMap((hour) =>
    Array.from({ length: 200 }, (_, i) => ({
      shop: `shop ${i % 7}`,
      at: T + hour * HOUR + i * 15_000,
      price: i % 5 === 0 ? null : 1 / (i + 3),
      item: i % 3 === 0 ? null : `item ${i % 11}`,
    })),
  );
  const { status } = await call(server.url, '/v1/sources/sales/events', { body: { events } });
  expect(status).toBe(202);
};

const find = async (server: Server, reference: string): Promise<DatasetStatus | null> => {
  const { status, body } = await call(server.url, `/v1/datasets/${reference}`);
  return status === 404 ? null : (body as DatasetStatus);
};
const manifestOf = async (server: Server, reference: string): Promise<DatasetManifest> =>
  (await call(server.url, `/v1/datasets/${reference}/manifest`)).body as DatasetManifest;
const ended = async (server: Server, started: Awaited<ReturnType<typeof call>>) => {
  expect(started, JSON.stringify(started.body)).toMatchObject({ status: 202 });
  const { id } = started.body as DatasetStatus;
  for (;;) {
    const status = await find(server, id);
    if (status?.state !== 'running') return status;
    await sleep(10);
  }
};

type Mode = 'event-time' | 'as-served';
const make = (server: Server, mode: Mode, out: string, overwrite = false) =>
  call(server.url, '/v1/datasets', {
    body: { view: 'turnover', spine: { file: spine }, mode, name: NAME, out, overwrite },
  });
const rerun = (server: Server, out: string) =>
  call(server.url, `/v1/datasets/${NAME}/rerun`, { body: { out } });

/** The undisturbed builds, and platforms that have them. */
const built = new Map<Mode, { readonly bytes: Buffer; readonly data: string }>();
const bytesOf = (mode: Mode): Buffer => built.get(mode)?.bytes as Buffer;

beforeAll(async () => {
  const lines = Array.from(
    { length: ROWS },
    (_, i) => `${i % 2},shop ${i % 9},${T + ((i * 13) % 50) * HOUR}`,
  );
  writeFileSync(spine, ['label,shop,event_timestamp', ...lines, ''].join('\n'));
  const server = await startServer(original);
  const body = { definitions: plain(shop, sales, turnover) };
  expect((await call(server.url, '/v1/apply', { body })).status).toBe(200);
  await publish(server, [0, 1, 2, 20, 30]);
  await server.stop();
  for (const mode of ['event-time', 'as-served'] as const) {
    const { data, outputs } = copyOf(original);
    const other = await startServer(data);
    const out = join(outputs, 'out.parquet');
    expect(await ended(other, await make(other, mode, out))).toMatchObject({ state: 'done' });
    await other.stop();
    built.set(mode, { bytes: readFileSync(out), data });
  }
}, 120_000);
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

interface Place {
  readonly data: string;
  readonly outputs: string;
}

/** Starts a build on a server that is killed at the point. */
const kill = async (
  at: string,
  { data, outputs }: Place,
  start: (server: Server) => Promise<unknown>,
): Promise<void> => {
  const armed = join(outputs, 'armed');
  const server = await startServer(data, {
    NODE_OPTIONS: `--import=${PRELOAD} --disable-warning=ExperimentalWarning`,
    KILL_AT: at,
    KILL_ARMED: armed,
  });
  const exited = new Promise((done) => server.child.once('exit', (_, signal) => done(signal)));
  writeFileSync(armed, '');
  await start(server).catch(() => undefined);
  expect(await exited, `${at}: the point was not reached`).toBe('SIGKILL');
  rmSync(armed);
};

/** What a kill may leave: of each output nothing, or all of it. */
const checkFiles = ({ data, outputs }: Place, mode: Mode): void => {
  for (const name of readdirSync(outputs)) {
    expect(name).toMatch(/^[a-z]+\.parquet$/);
    expect(readFileSync(join(outputs, name)).equals(bytesOf(mode)), name).toBe(true);
  }
  expect(readdirSync(join(data, 'datasets'))).toEqual([]);
};
const partials = (outputs: string): readonly string[] =>
  readdirSync(outputs).filter((name) => name.includes('.tmp'));

const POINTS = [
  ...[1, 2, 3, 4].flatMap((n) => [`commit ${n}`, `committed ${n}`]),
  'stage reading',
  'stage joining',
  'stage on-demand',
  'stage writing',
  'half',
  'hash',
  'link',
  'linked',
  'removed',
  'stage done',
];
/** From here on, the name and the pins are stored. */
const NAMED_FROM = POINTS.indexOf('committed 2');

const checkAfter = async (server: Server, place: Place, mode: Mode): Promise<void> => {
  checkFiles(place, mode);
  const { body } = await call(server.url, '/v1/datasets');
  for (const { state, error } of body as readonly DatasetStatus[])
    if (state !== 'done')
      expect([state, error?.details]).toEqual(['failed', { gatewayEnded: true }]);
};

const killedBuild = async (at: string, mode: Mode): Promise<void> => {
  const place = copyOf(original);
  const out = join(place.outputs, 'out.parquet');
  await kill(at, place, (server) => make(server, mode, out));
  const named = POINTS.indexOf(at) >= NAMED_FROM;
  if (at === 'half') expect(partials(place.outputs)).toHaveLength(1);

  const server = await startServer(place.data);
  try {
    await checkAfter(server, place, mode);
    expect((await find(server, NAME)) !== null, at).toBe(named);
    const again = join(place.outputs, 'again.parquet');
    if (named) {
      // What was pinned stays pinned; a request that stored no pins is a new one.
      await publish(server, [1, 31]);
      expect(await ended(server, await rerun(server, again))).toMatchObject({ state: 'done' });
    }
    const same = await ended(server, await make(server, mode, out, true));
    expect(same).toMatchObject({ state: 'done', version: 1 });
    if (!named)
      expect(await ended(server, await rerun(server, again))).toMatchObject({ state: 'done' });
    expect([out, again].filter((path) => !existsSync(path))).toEqual([]);
    checkFiles(place, mode);
    const { content } = await manifestOf(server, NAME);
    expect([content?.rows, content?.bytes]).toEqual([ROWS, bytesOf(mode).length]);
  } finally {
    await server.stop();
  }
};

describe('killed while it is built for the first time', () => {
  test.each(POINTS)('%s', { timeout: 120_000 }, (at) => killedBuild(at, 'event-time'));
  test.each(['committed 2', 'stage joining', 'half', 'linked'])(
    '%s, as served',
    {
      timeout: 120_000,
    },
    (at) => killedBuild(at, 'as-served'),
  );
});

describe('killed while it is built again', () => {
  test.each(['stage joining', 'half', 'linked', 'commit 2', 'committed 2'])(
    '%s',
    {
      timeout: 120_000,
    },
    async (at) => {
      const mode = 'event-time';
      const { data, bytes } = built.get(mode) as { bytes: Buffer; data: string };
      const place = copyOf(data);
      await kill(at, place, (server) => rerun(server, join(place.outputs, 'again.parquet')));
      const server = await startServer(place.data);
      try {
        await checkAfter(server, place, mode);
        const after = join(place.outputs, 'after.parquet');
        expect(await ended(server, await rerun(server, after))).toMatchObject({ state: 'done' });
        expect(readFileSync(after).equals(bytes)).toBe(true);
        expect((await manifestOf(server, NAME)).version).toBe(1);
      } finally {
        await server.stop();
      }
    },
  );
});

test('killed again and again', { timeout: 240_000 }, async () => {
  const place = copyOf(original);
  const out = join(place.outputs, 'out.parquet');
  const first = POINTS.slice(NAMED_FROM).filter((at) => !/commit|removed/.test(at));
  for (const at of ['committed 2', ...first])
    await kill(at, place, (server) => make(server, 'event-time', out, true));
  const server = await startServer(place.data);
  try {
    await checkAfter(server, place, 'event-time');
    const { state } = (await ended(server, await make(server, 'event-time', out, true))) ?? {};
    expect(state).toBe('done');
    checkFiles(place, 'event-time');
    expect((await manifestOf(server, NAME)).version).toBe(1);
  } finally {
    await server.stop();
  }
});

/** Its rows have random values: only those that were kept can give the same bytes. */
const STATEMENT = 'SELECT shop, "at" AS event_timestamp, random() AS weight FROM raw_sales';

describe('killed with the rows of a statement as its spine', () => {
  test.each(['commit 1', 'committed 2', 'half', 'linked', 'commit 4'])(
    '%s',
    {
      timeout: 120_000,
    },
    async (at) => {
      const place = copyOf(original);
      const out = join(place.outputs, 'out.parquet');
      const request = { view: 'turnover', spine: { sql: STATEMENT }, name: NAME };
      await kill(at, place, (server) =>
        call(server.url, '/v1/datasets', { body: { ...request, out } }),
      );
      const server = await startServer(place.data);
      try {
        const kept = readdirSync(join(place.data, 'datasets'));
        if (at === 'commit 1') {
          expect(kept).toEqual([]);
          expect(await find(server, NAME)).toBeNull();
          return;
        }
        expect(kept).toEqual([expect.stringMatching(/^spine-.*\.parquet$/)]);
        await publish(server, [1, 31]);
        const again = ['a', 'b'].map((name) => join(place.outputs, `${name}.parquet`));
        for (const path of again)
          expect(await ended(server, await rerun(server, path))).toMatchObject({
            state: 'done',
            rows: 1000,
          });
        const written = readdirSync(place.outputs).map((name) => join(place.outputs, name));
        expect(written).toHaveLength(existsSync(out) ? 3 : 2);
        const [bytes] = written.map((path) => readFileSync(path)) as [Buffer];
        for (const path of written) expect(readFileSync(path).equals(bytes), path).toBe(true);
      } finally {
        await server.stop();
      }
    },
  );
});
