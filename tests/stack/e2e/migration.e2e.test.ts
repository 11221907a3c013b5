/**
 * A migration from embedded to the stack, by the commands of docs/guides/stack-operator.md: the
 * values are the same, and both continue alike.
 */

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Platform } from '#domain/api/platform.ts';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import {
  computed,
  type StackPlatform,
  stackPlatform,
  uniqueName,
} from '#tests/stack/support/platform.ts';
import { type TestPlatform, testPlatform } from '#tests/support/platform.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const MAIN = join(ROOT, 'gateways/cli/main.ts');
const FLIGHTS = join(ROOT, 'node_modules/vega-datasets/data/flights-3m.parquet');
const EVENTS = 20_000;
const [SOURCE, AIRPORTS, ROUTES] = [
  uniqueName('flights'),
  uniqueName('airport_delays'),
  uniqueName('route_delays'),
];

const directory = mkdtempSync(join(tmpdir(), 'millrace-migration-'));
const definitions = join(directory, 'features.ts');
const file = join(directory, 'flights.ndjson');
let embedded: TestPlatform;
let stack: StackPlatform;
let gateways: readonly HttpGateway[] = [];

const millrace = async (url: string, ...args: string[]): Promise<string> =>
  (
    await promisify(execFile)(process.execPath, [MAIN, ...args], {
      env: { ...process.env, MILLRACE_URL: url },
    })
  ).stdout;

beforeAll(async () => {
  // The example, with names of this run.
  const text = readFileSync(join(ROOT, 'examples/flights/features.ts'), 'utf8')
    .replaceAll("'flights'", `'${SOURCE}'`)
    .replaceAll("'airport_delays'", `'${AIRPORTS}'`)
    .replaceAll("'route_delays'", `'${ROUTES}'`);
  writeFileSync(definitions, text);
  [embedded, stack] = await Promise.all([testPlatform(), stackPlatform()]);
  gateways = await Promise.all(
    [embedded, stack].map(({ platform }) =>
      createHttpGateway({ modules: httpModules(), platform, port: 0 }),
    ),
  );
});
afterAll(async () => {
  for (const gateway of gateways) await gateway.close();
  await Promise.all([embedded?.dispose(), stack?.dispose()]);
  rmSync(directory, { recursive: true, force: true });
});

const features = [
  ...[
    'departures_1h',
    'delay_avg_1d',
    'delay_max_1d',
    'delay_stddev_7d',
    'late_share_7d',
    'departures_7d',
    'last_destination',
  ].map((name) => `${AIRPORTS}:${name}`),
];
const read = (platform: Platform, at: number) =>
  platform.serving.read({
    features,
    entities: ['ATL', 'DFW', 'LAX', 'ORD', 'XXX'].map((origin) => ({ origin })),
    at,
  });

test('the definitions and the events of an embedded platform make the same values on the stack', async () => {
  const [from, to] = gateways.map(({ url }) => url) as [string, string];
  await millrace(from, 'apply', definitions);
  await millrace(from, 'publish', SOURCE, FLIGHTS, '--limit', String(EVENTS));
  expect(await millrace(from, 'export', SOURCE, '--out', file)).toContain(
    `${EVENTS} events of ${SOURCE}`,
  );

  await millrace(to, 'apply', definitions);
  expect(await millrace(to, 'publish', SOURCE, file)).toMatch(/20,?000 accepted/);
  await millrace(to, 'publish', SOURCE, file);
  for (const view of [AIRPORTS, ROUTES])
    await computed(view, () => stack.platform.operations.status());
  await millrace(to, 'export', SOURCE, '--out', `${file}.again`);
  const linesOf = (name: string): string[] =>
    readFileSync(name, 'utf8').trimEnd().split('\n').sort();
  expect(linesOf(`${file}.again`), 'every event once').toEqual(linesOf(file));

  const times = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { date: number }).date);
  const newest = times.reduce((a, b) => Math.max(a, b));
  let compared = 0;
  for (const at of [newest, newest - 6 * 3_600_000, newest - 3 * 86_400_000]) {
    const [old, moved] = await Promise.all([read(embedded.platform, at), read(stack.platform, at)]);
    expect(moved.status).toEqual(old.status);
    moved.values.forEach((row, e) => {
      row.forEach((value, f) => {
        const expected = old.values[e]?.[f];
        if (typeof value === 'number')
          expect(value, `${features[f]} at ${at}`).toBeCloseTo(expected as number, 8);
        else expect(value).toEqual(expected);
      });
    });
    compared += old.values
      .flat()
      .filter((value) => typeof value === 'number' && value !== 0).length;
  }
  expect(compared).toBeGreaterThan(20);
});
