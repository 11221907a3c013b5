/**
 * The promise: a process that is killed at any time loses no acknowledged event and counts none
 * twice. The server gets SIGKILL at random times under load, twenty times. A producer continues at
 * the sequence that the server expects. In the end every value equals the one computed directly
 * from the list of events.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { avg, col, count, entity, featureView, last, max, source, sum } from 'millrace';
import { expect, test } from 'vitest';
import { call, type Server, startServer } from '#tests/support/server.ts';

const KILLS = 20;
const BATCH = 100;
const DAY = 86_400_000;
const HOUR = 3_600_000;
const SEED = Number(process.env.MILLRACE_SEED ?? Date.now() % 1_000_000);

const user = entity({ name: 'user', keys: { user: 'string' } });
const clicks = source({
  name: 'clicks',
  fields: { user: 'string', at: 'timestamp', amount: 'double?' },
  eventTime: 'at',
});
const activity = featureView({
  name: 'activity',
  entity: user,
  source: clicks,
  features: {
    clicks_1d: count({ window: '1d', hop: '1h' }),
    amount_1d: sum(col('amount'), { window: '1d', hop: '1h' }),
    amount_avg_3d: avg(col('amount'), { window: '3d', hop: '6h' }),
    amount_max: max(col('amount')),
    last_amount: last(col('amount')),
    clicks_all: count(),
  },
});

interface Click {
  readonly user: string;
  readonly at: number;
  readonly amount: number | null;
}

/** A small random generator: the same seed gives the same events after any crash. */
const random = (n: number): number => {
  let x = Math.imul(n ^ SEED, 0x9e3779b1);
  x = Math.imul(x ^ (x >>> 15), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
};
const start = Date.now() - 2 * DAY;
const clickAt = (i: number): Click => ({
  user: `u${Math.floor(random(3 * i) * 17)}`,
  at: start + Math.floor(random(3 * i + 1) * 2 * DAY) - (i % 50 === 0 ? 5 * DAY : 0),
  amount: i % 7 === 0 ? null : Math.floor(random(3 * i + 2) * 1000) / 4,
});

/** Among equal event times, the event accepted last is the newest. */
const expected = (
  events: readonly Click[],
  who: string,
  at: number,
): Record<string, number | null> => {
  const mine = events.filter((e) => e.user === who && e.at <= at);
  const from = (window: number, hop: number) => Math.floor((at - window) / hop) * hop;
  const within = (window: number, hop: number) => mine.filter((e) => e.at >= from(window, hop));
  const amounts = (list: readonly Click[]) =>
    list.flatMap((e) => (e.amount === null ? [] : [e.amount]));
  const total = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
  const day = amounts(within(DAY, HOUR));
  const three = amounts(within(3 * DAY, 6 * HOUR));
  const all = amounts(mine);
  const withAmount = mine.filter((e) => e.amount !== null);
  const newest = withAmount.reduce<Click | null>(
    (a, e) => (a === null || e.at >= a.at ? e : a),
    null,
  );
  return {
    clicks_1d: within(DAY, HOUR).length,
    amount_1d: day.length === 0 ? null : total(day),
    amount_avg_3d: three.length === 0 ? null : total(three) / three.length,
    amount_max: all.length === 0 ? null : Math.max(...all),
    last_amount: newest === null ? null : newest.amount,
    clicks_all: mine.length,
  };
};

test(`twenty kills under load lose no acknowledged event and count none twice (seed ${SEED})`, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-kill-'));
  let server: Server | null = null;
  let acknowledged = 0;
  let next = 0;
  try {
    server = await startServer(directory);
    const definitions = JSON.parse(JSON.stringify([user, clicks, activity]));
    const applied = await call(server.url, '/v1/apply', { body: { definitions, reason: 'test' } });
    expect(applied.status).toBe(200);

    for (let round = 0; round <= KILLS; round++) {
      const { url } = server;
      const position = (await call(url, '/v1/sources/clicks/producers/killed')).body as {
        next: number;
      };
      next = position.next;
      expect(next, 'an acknowledged event was lost').toBeGreaterThanOrEqual(acknowledged);
      if (round === KILLS) break;
      const delay = 20 + Math.floor(random(1_000_000 + round) * 350);
      const killed = new Promise<void>((done) =>
        setTimeout(() => void (server as Server).kill().then(done), delay),
      );
      try {
        for (let i = next; ; i += BATCH) {
          const events = Array.from({ length: BATCH }, (_, k) => clickAt(i + k));
          const answer = await call(url, '/v1/sources/clicks/events', {
            body: { events },
            headers: { 'millrace-producer': 'killed', 'millrace-sequence': String(i) },
          });
          expect(answer.status).toBe(202);
          acknowledged = i + BATCH;
        }
      } catch (error) {
        if (error instanceof Error && error.name === 'AssertionError') throw error;
      }
      await killed;
      server = await startServer(directory);
    }

    const events = Array.from({ length: next }, (_, i) => clickAt(i));
    const features = Object.keys(expected([], '', 0)).map((name) => `activity:${name}`);
    const users = Array.from({ length: 18 }, (_, i) => `u${i}`);
    const read = await call(server.url, '/v1/features', {
      body: { features, entities: users.map((u) => ({ user: u })) },
    });
    expect(read.status).toBe(200);
    const { rows, at } = read.body as { rows: Record<string, number | null>[]; at: number };
    expect(next).toBeGreaterThan(KILLS * BATCH);
    for (const row of rows) {
      const wanted = expected(events, String(row.user), at);
      for (const [name, value] of Object.entries(wanted)) {
        if (value === null) expect(row[name], `${row.user} ${name}`).toBeNull();
        else expect(row[name], `${row.user} ${name}`).toBeCloseTo(value, 6);
      }
    }
    expect(await server.stop()).toBe(0);
    server = null;
  } finally {
    await server?.kill();
    rmSync(directory, { recursive: true, force: true });
  }
});
