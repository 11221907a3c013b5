/**
 * Two gateways, in processes of their own, behind a balancer that gives each connection to the
 * next. A client cannot tell them apart: what was applied, published or promoted through one can be
 * read through the other by position, answers equal those of the oracle, and a killed gateway costs
 * its clients only its connections.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PlatformStatus } from '#domain/api/operations.ts';
import { featureService } from '#domain/definitions/index.ts';
import type { Definition } from '#domain/definitions/model.ts';
import { numberedSales } from '#tests/stack/support/numbered-sales.ts';
import {
  computed,
  stackAddressesOfTest,
  uniqueName,
  until,
} from '#tests/stack/support/platform.ts';
import { type Answered, callOnce } from '#tests/support/call-once.ts';
import { plain } from '#tests/support/platform.ts';
import { type Server, startServer } from '#tests/support/server.ts';
import { openProxy, type TcpProxy } from '#tests/support/tcp-proxy.ts';

const sales = numberedSales();
const [shop, source, totals] = sales.definitions;
const directory = mkdtempSync(join(tmpdir(), 'millrace-balanced-'));
const servers: (Server | null)[] = [null, null];
let balancer: TcpProxy;
let position = '';
/** A busy machine needs minutes to start the first jobs. */
const SLOW_MS = 240_000;

const start = async (index: number): Promise<void> => {
  servers[index] = await startServer(join(directory, `gateway${index}`), {}, [
    '--profile',
    'stack',
    '--addresses',
    join(directory, 'stack.json'),
  ]);
};
const urlOf = (index: number): string => servers[index]?.url ?? 'http://127.0.0.1:1';

beforeAll(async () => {
  writeFileSync(join(directory, 'stack.json'), JSON.stringify(await stackAddressesOfTest()));
  await Promise.all([start(0), start(1)]);
  balancer = await openProxy(() =>
    servers.flatMap((server) =>
      server === null ? [] : [{ host: '127.0.0.1', port: Number(new URL(server.url).port) }],
    ),
  );
  expect(await apply(urlOf(0), shop, source, totals)).toMatchObject({ status: 200 });
}, 120_000);

afterAll(async () => {
  await balancer?.close();
  for (const server of servers) await server?.kill();
  rmSync(directory, { recursive: true, force: true });
});

const apply = (url: string, ...definitions: readonly Definition[]): Promise<Answered> =>
  callOnce(url, '/v1/apply', { body: { definitions: plain(...definitions) } });

/**
 * Publishes through the balancer, again until it is acknowledged, which the batch's number makes
 * safe. @returns failed attempts
 */
const publish = async (): Promise<readonly (Answered | Error)[]> => {
  const { source: name, events, producer } = sales.round();
  const headers = {
    'millrace-producer': producer.id,
    'millrace-sequence': String(producer.sequence),
  };
  const failed: (Answered | Error)[] = [];
  await until('the round is acknowledged', async () => {
    const answer = await callOnce(balancer.url, `/v1/sources/${name}/events`, {
      body: { events },
      headers,
    }).catch((e: Error) => e);
    if (answer instanceof Error || answer.status !== 202) {
      failed.push(answer);
      return false;
    }
    expect(answer.body.rejected).toEqual([]);
    position = answer.body.position;
    return true;
  });
  sales.acknowledged.push(Date.now());
  return failed;
};

const valuesOf = ({ body }: Answered): readonly (readonly number[])[] =>
  body.rows.map((row: Record<string, number>) => body.features.map((name: string) => row[name]));

const judge = (answer: Answered): number =>
  sales.judge({ values: valuesOf(answer), views: answer.body.views });

/** Reads the last position through either gateway, again while it is not reached. */
const readAfter = async (url = balancer.url): Promise<Answered> => {
  let last: Answered | null = null;
  await until(
    `${position} is read`,
    async () => {
      last = await callOnce(url, '/v1/features', { body: { ...sales.query, after: position } });
      if (last.status === 200) return true;
      expect(['MR_POSITION_NOT_REACHED', 'MR_VIEW_NOT_READY']).toContain(last.body.code);
      return false;
    },
    SLOW_MS,
  );
  return last as unknown as Answered;
};

test('a definition applied through one gateway is there for a publish through the other, at once', {
  timeout: 2 * SLOW_MS,
}, async () => {
  // The very first time, the other gateway may not have the source yet.
  const { source: name, events, producer } = sales.round();
  const headers = {
    'millrace-producer': producer.id,
    'millrace-sequence': String(producer.sequence),
  };
  const answer = await callOnce(urlOf(1), `/v1/sources/${name}/events`, {
    body: { events },
    headers,
  });
  expect(answer).toMatchObject({ status: 202, body: { accepted: events.length, rejected: [] } });
  position = answer.body.position;
  sales.acknowledged.push(Date.now());
  expect(judge(await readAfter())).toBe(1);
  await computed(
    sales.view,
    async () => (await callOnce(urlOf(0), '/v1/status')).body as PlatformStatus,
  );
});

test('through a balancer, every round is in the answer that asks for its position', {
  timeout: 400_000,
}, async () => {
  for (let i = 0; i < 12; i++) {
    expect(await publish()).toEqual([]);
    expect(judge(await readAfter())).toBe(sales.acknowledged.length);
  }
  const taken = [...balancer.taken().values()];
  expect(taken).toHaveLength(2);
  for (const n of taken) expect(n).toBeGreaterThan(10);
});

test('a command’s position, given to the other gateway, reads the result of the command', {
  timeout: 400_000,
}, async () => {
  for (let i = 0; i < 8; i++) {
    const name = uniqueName('service');
    const service = featureService({ name, features: [totals.pick('events', 'sum', 'recent')] });
    const applied = await apply(urlOf(i % 2), service);
    expect(applied.status).toBe(200);
    const body = { service: name, entities: sales.query.entities, after: applied.body.position };
    const answer = await callOnce(urlOf((i + 1) % 2), '/v1/features', { body });
    expect(answer).toMatchObject({ status: 200, body: { features: ['events', 'sum', 'recent'] } });
    expect(judge(answer)).toBe(sales.acknowledged.length);
  }
});

test('both give the same answers, of now and of the past, and the oracle’s', {
  timeout: 400_000,
}, async () => {
  await readAfter(urlOf(0));
  await readAfter(urlOf(1));
  for (let i = 0; i < sales.acknowledged.length; i++) {
    const at = Date.now() - 1_000;
    const known = (sales.acknowledged[i] as number) + 1;
    for (const moment of [{ at }, { at: known, known }]) {
      const answers = await Promise.all(
        [0, 1].map((index) =>
          callOnce(urlOf(index), '/v1/features', { body: { ...sales.query, ...moment } }),
        ),
      );
      const [one, two] = answers.map(({ status, body }) => ({
        status,
        rows: body.rows,
        statuses: body.status,
      }));
      expect(one).toMatchObject({ status: 200 });
      expect(two).toEqual(one);
      if ('known' in moment)
        expect(valuesOf(answers[0] as Answered).map(([n]) => n)).toEqual(
          sales.query.entities.map(() => i + 1),
        );
    }
  }
});

for (const victim of [0, 1]) {
  test(`gateway ${victim} is killed and started again under load: its connections are reset, no answer is wrong`, {
    timeout: 400_000,
  }, async () => {
    const failures: (Answered | Error)[] = [];
    let loading = true;
    const producer = (async () => {
      while (loading) {
        failures.push(...(await publish()));
        await sleep(20);
      }
    })();
    let reads = 0;
    const readers = Array.from({ length: 4 }, async () => {
      while (loading) {
        const answer = await callOnce(balancer.url, '/v1/features', { body: sales.query }).catch(
          (error: Error) => error,
        );
        if (answer instanceof Error || answer.status !== 200) failures.push(answer);
        else {
          judge(answer);
          reads++;
        }
        await sleep(10);
      }
    });
    try {
      await sleep(1_500);
      const dying = servers[victim];
      await dying?.kill();
      servers[victim] = null;
      await sleep(2_000);
      await start(victim);
      await sleep(2_000);
    } finally {
      loading = false;
      await Promise.all([producer, ...readers]);
    }
    expect(judge(await readAfter(urlOf(victim)))).toBe(sales.acknowledged.length);
    expect(judge(await readAfter(urlOf(1 - victim)))).toBe(sales.acknowledged.length);
    expect(reads).toBeGreaterThan(0);
    const codes = failures.map((failure) =>
      failure instanceof Error ? (failure as NodeJS.ErrnoException).code : failure.body.code,
    );
    console.log(
      `gateway ${victim} killed: ${reads} reads, ${sales.acknowledged.length} rounds, ${failures.length} failed: ${[...new Set(codes)]}`,
    );
    // Requests on its connections are reset. A transaction that it had open may keep a producer
    // waiting.
    for (const code of codes)
      expect(['ECONNRESET', 'ECONNREFUSED', 'MR_LOG_UNAVAILABLE']).toContain(code);
  });
}
