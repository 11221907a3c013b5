/**
 * How long a new view takes on the stack, from the start of `millrace apply`: until it prints what
 * is done, until it ends, until a read of the view has the right value, and until Flink's tiles
 * answer. The first view is the first of a platform that has just started; each later one joins
 * those that run. A table of the calls to Flink shows where the time goes.
 *
 *   npm run bench stack-apply [VIEWS] [EVENTS]
 */

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Platform } from '#domain/api/platform.ts';
import { avg, col, count, featureView, max, sum } from '#domain/definitions/index.ts';
import { createHttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { startStack } from '#infra/profiles/stack.ts';
import { clickOf, clicks, user } from './support/clicks.ts';
import { flinkCalls } from './support/flink-calls.ts';
import { ownStack } from './support/own-stack.ts';
import { print } from './support/report.ts';

const views = Number(process.argv[2] ?? 3);
const events = Number(process.argv[3] ?? 10_000);
const BATCH = 1_000;
const USERS = 100;
const POLL_MS = 50;
const PROGRESS_MS = 2_000;
const READABLE_MS = 10_000;
const caller = { actor: 'bench' };
const MILLRACE = fileURLToPath(new URL('../scripts/millrace.mjs', import.meta.url));

const viewNamed = (name: string) =>
  featureView({
    name,
    entity: user,
    source: clicks,
    features: {
      clicks: count({}),
      clicks_1h: count({ window: '1h' }),
      sum_1d: sum(col('amount'), { window: '1d', hop: '1h' }),
      avg_1d: avg(col('amount'), { window: '1d', hop: '1h' }),
      max_7d: max(col('amount'), { window: '7d', hop: '1h' }),
    },
  });

interface Applied {
  /** ms since the start of the command; the first line of any kind that it printed */
  readonly line: number;
  readonly ended: number;
  readonly readable: number;
  readonly live: number;
}

const { stack, directory, remove } = ownStack('apply', 29_420);

const publish = async (platform: Platform): Promise<void> => {
  for (let sent = 0; sent < events; sent += BATCH)
    await platform.publishing.publish(
      {
        source: 'clicks',
        events: Array.from({ length: Math.min(BATCH, events - sent) }, (_, i) =>
          clickOf(`u${(sent + i) % USERS}`),
        ),
      },
      caller,
    );
};

const applied = async (
  platform: Platform,
  url: string,
  name: string,
  expected: number,
): Promise<Applied> => {
  const file = join(directory, `${name}.json`);
  writeFileSync(file, JSON.stringify([user, clicks, viewNamed(name)]));
  const started = performance.now();
  const since = (): number => performance.now() - started;
  const child = spawn(process.execPath, [MILLRACE, 'apply', file, '--url', url], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let line: number | null = null;
  for (const output of [child.stdout, child.stderr])
    output.on('data', (text: Buffer) => {
      line ??= since();
      for (const one of text.toString().trimEnd().split('\n'))
        console.error(`  ${(since() / 1000).toFixed(1)} s  ${one}`);
    });
  let ended: number | null = null;
  child.once('close', () => {
    ended = since();
  });
  const read = { features: [`${name}:clicks`], entities: [{ user: 'u7' }] };
  let readable: number | null = null;
  for (;;) {
    if (readable === null) {
      const answer = await platform.serving.read(read).catch(() => null);
      if (answer !== null && Number(answer.values[0]?.[0] ?? 0) === expected) readable = since();
    }
    const { views: all } = await platform.operations.status();
    const mine = all.find(({ view }) => view === name);
    if (ended !== null && readable !== null && mine?.state === 'live')
      return { line: line ?? Number.NaN, ended, readable, live: since() };
    await sleep(POLL_MS);
  }
};

try {
  await stack.up();
  const platform = await startStack({
    addresses: stack.addresses,
    dataDirectory: join(directory, 'gateway'),
    warn: (message) => console.error(message),
  });
  const gateway = await createHttpGateway({
    modules: httpModules(),
    platform,
    host: '127.0.0.1',
    port: 0,
  });
  const rounds: Applied[] = [];
  for (let round = 0; round < views; round++) {
    const calls = flinkCalls(stack.addresses);
    const one = await applied(
      platform,
      gateway.url,
      `clicks_${round}`,
      round === 0 ? 0 : events / USERS,
    );
    calls.end();
    console.error(`view ${round + 1}: ${JSON.stringify(one)}`);
    for (const text of calls.lines()) console.error(`  ${text}`);
    rounds.push(one);
    if (round === 0) await publish(platform);
    await sleep(5_000);
  }
  const seconds = (ms: number): string => (ms / 1000).toFixed(1);
  const figures = (label: string, of: readonly Applied[]) => {
    const worst = (what: keyof Applied): number => Math.max(...of.map((one) => one[what]));
    const row = (what: string, key: keyof Applied, goalMs: number | null) => ({
      what: `${label}: ${what}, s`,
      ours: seconds(worst(key)),
      limit: '',
      goal: goalMs === null ? '' : `within ${goalMs / 1000}`,
      met: goalMs === null ? null : worst(key) <= goalMs,
    });
    return [
      row('first line of the command', 'line', PROGRESS_MS),
      row('a read has the value', 'readable', READABLE_MS),
      row('the command has ended', 'ended', null),
      row("Flink's tiles answer", 'live', null),
    ];
  };
  print(
    `\`millrace apply\` of a view on the stack, ${events} events in its source; the slowest of ${views - 1} later views`,
    [
      ...figures('first view', rounds.slice(0, 1)),
      ...(views > 1 ? figures('later view', rounds.slice(1)) : []),
    ],
  );
  await gateway.close();
  await platform.close();
} finally {
  await remove();
}
process.exit(0);
