/**
 * What authentication costs a read over HTTP: the same reads by a gateway without access control,
 * with access control switched off, and with a key that may read the view's namespace and has a
 * rate and a quota. Rounds alternate. CPU time is that of the server process, which other load
 * disturbs less than requests per second.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createHttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { flightBatches } from './support/flights.ts';
import { caller, startBenchPlatform } from './support/platform.ts';
import { load } from './support/read-load.ts';
import { median, print } from './support/report.ts';

const events = Number(process.argv[2] ?? 100_000);
const seconds = Number(process.argv[3] ?? 4);
const ROUNDS = 5;

const bench = await startBenchPlatform();
const { platform } = bench;
for await (const batch of flightBatches(events, 5000))
  await platform.publishing.publish({ source: 'flights', events: batch }, caller);
for (;;) {
  const { sources } = await platform.operations.status();
  if (sources.every((source) => source.historyPosition === source.position)) break;
  await sleep(250);
}
const { key } = await platform.keys.create(
  {
    name: 'bench',
    grants: ['reader@default'],
    limits: { requestsPerSecond: 1_000_000, rowsPerDay: 1_000_000_000 },
  },
  caller,
);
const [open, keys] = [
  platform.access({ authentication: 'off' }),
  platform.access({ authentication: 'required' }),
];
const ways = {
  'not asked': await createHttpGateway({ modules: httpModules(), platform, port: 0 }),
  'switched off': await createHttpGateway({
    modules: httpModules(),
    platform: open.platform,
    access: open,
    port: 0,
  }),
  'with a key': await createHttpGateway({
    modules: httpModules(),
    platform: keys.platform,
    access: keys,
    port: 0,
  }),
};
const body = JSON.stringify({
  service: 'delay_model',
  entities: [{ origin: 'ATL', destination: 'LAX' }],
  request: [{ hour: 18 }],
});
const headers = { authorization: `Bearer ${key}` };

const measured = new Map<string, { cpu: number; requests: number }[]>();
for (let round = 0; round < ROUNDS; round++) {
  for (const [way, { url }] of Object.entries(ways)) {
    const before = process.cpuUsage();
    const got = await load({
      urls: [`${url}/v1/features`],
      bodies: [body],
      seconds,
      rate: 0,
      connections: 64,
      headers,
    });
    const { user, system } = process.cpuUsage(before);
    if (got.errors > 0) throw new Error(`${way}: ${got.errors} errors`);
    measured.set(way, [
      ...(measured.get(way) ?? []),
      { cpu: (user + system) / got.answered, requests: got.requests },
    ]);
  }
}

const principal = await keys.authenticate({
  authorization: headers.authorization,
  address: '127.0.0.1',
});
const MANY = 2_000_000;
const nanoseconds = (work: () => unknown): number => {
  const runs = Array.from({ length: 5 }, () => {
    const started = process.cpuUsage().user;
    for (let i = 0; i < MANY / 5; i++) work();
    return ((process.cpuUsage().user - started) * 1000 * 5) / MANY;
  });
  return Math.min(...runs);
};
const asking = nanoseconds(() =>
  keys.authenticate({ authorization: headers.authorization, address: '127.0.0.1' }),
);

for (const gateway of Object.values(ways)) await gateway.close();
await bench.close();

const of = (way: string, what: 'cpu' | 'requests'): number =>
  median((measured.get(way) ?? []).map((one) => one[what]));
print(
  `asking who it is, ${principal.actor}: reads of a service over HTTP, 64 connections, median of ${ROUNDS} rounds`,
  [
    ...['switched off', 'with a key'].map((way) => ({
      what: `${way}: CPU a request`,
      ours: `${of(way, 'cpu').toFixed(1)} µs`,
      limit: `${of('not asked', 'cpu').toFixed(1)} µs, not asked`,
      goal: '',
      met: null,
    })),
    ...['switched off', 'with a key'].map((way) => ({
      what: `${way}: requests a second`,
      ours: Math.round(of(way, 'requests')).toLocaleString('en'),
      limit: Math.round(of('not asked', 'requests')).toLocaleString('en'),
      goal: '',
      met: null,
    })),
    {
      what: 'a known key is looked up',
      ours: `${asking.toFixed(0)} ns`,
      limit: '',
      goal: 'microseconds',
      met: asking < 5_000,
    },
  ],
);
