/**
 * The stack profile: two `millrace serve` behind a balancer of connections, on servers of their own
 * that are started here and removed afterwards. Every gateway and every server is a part that is
 * restarted. The rig serves again when no gateway's reads are degraded and published events are
 * computed.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStack } from '#infra/stack/stack.ts';
import type { ServerName } from '#infra/stack/versions.ts';
import { freePort } from '#tests/support/free-port.ts';
import { openProxy } from '#tests/support/tcp-proxy.ts';
import type { Part, Rig, Signal } from './rig.ts';
import { type Running, sampleOf, serve } from './serve.ts';
import { nameOf } from './world.ts';

const BASE_PORT = Number(process.env.MILLRACE_SOAK_PORT ?? 9600);
const GATEWAYS = 2;
const SERVERS: readonly ServerName[] = [
  'redis',
  'lookup',
  'registry',
  'mariadb',
  'sql-gateway',
  'kafka',
  'taskmanager',
  'jobmanager',
];
const SERVES_AGAIN_MS = 240_000;
const PROBED = ['totals:events', 'recent:events_2m', 'evolving:events'];

interface ViewState {
  readonly view: string;
  readonly state: string;
  readonly lag: number;
  readonly error: string | null;
}

interface Gateway {
  readonly port: number;
  readonly grpcPort: number;
  /** null while it is down */
  running: Running | null;
}

/** What is not as usual at a gateway; null: nothing. */
const unusual = async ({ port, running }: Gateway): Promise<string | null> => {
  if (running === null) return 'it is down';
  const ask = async <T>(path: string): Promise<T> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      signal: AbortSignal.timeout(5_000),
    });
    return (await answer.json()) as T;
  };
  const { status, degraded = [] } = await ask<{ status?: string; degraded?: readonly string[] }>(
    '/readyz',
  );
  if (status !== 'ready') return 'it is not ready';
  const { views } = await ask<{ views: readonly ViewState[] }>('/v1/status');
  // At a steady rate some events are always in flight.
  const behind = views.filter(({ state, lag }) => state === 'stalled' || lag >= 1_000);
  if (degraded.length === 0 && behind.length === 0) return null;
  const viewTexts = behind.map(
    ({ view, state, lag, error }) =>
      `${view} is ${state}, ${lag} events behind, ${error ?? 'no error'}`,
  );
  return [...degraded, ...viewTexts].join('; ');
};

export const startStackRig = async (): Promise<Rig> => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-soak-'));
  const stack = openStack({
    directory: join(directory, 'stack'),
    basePort: BASE_PORT,
    say: (line) => console.log(`stack: ${line}`),
  });
  await stack.up();
  const addresses = join(directory, 'addresses.json');
  writeFileSync(addresses, JSON.stringify(stack.addresses));

  const gateways: Gateway[] = [];
  for (let i = 0; i < GATEWAYS; i++)
    gateways.push({ port: await freePort(), grpcPort: await freePort(), running: null });
  const start = async (gateway: Gateway): Promise<void> => {
    const { port, grpcPort } = gateway;
    const options = [
      '--profile',
      'stack',
      '--addresses',
      addresses,
      '--port',
      String(port),
      '--grpc-port',
      String(grpcPort),
    ];
    gateway.running = await serve([...options, '--data', join(directory, `gateway-${port}`)]);
  };
  const stop = async (gateway: Gateway, how: Signal): Promise<void> => {
    gateway.running?.child.kill(how);
    await gateway.running?.ended;
    gateway.running = null;
  };
  const standing = (portOf: (gateway: Gateway) => number) => () =>
    gateways.flatMap((gateway) =>
      gateway.running === null ? [] : [{ host: '127.0.0.1', port: portOf(gateway) }],
    );
  await Promise.all(gateways.map(start));
  const http = await openProxy(standing(({ port }) => port));
  const grpc = await openProxy(standing(({ grpcPort }) => grpcPort));

  const servesAgain = async (): Promise<void> => {
    for (const deadline = Date.now() + SERVES_AGAIN_MS; ; await sleep(500)) {
      const all = await Promise.all(
        gateways.map((gateway) => unusual(gateway).catch((error: unknown) => String(error))),
      );
      if (all.every((what) => what === null)) return;
      if (Date.now() > deadline) {
        const texts = all.map((what, i) => `gateway ${i}: ${what ?? 'as usual'}`);
        throw new Error(`the gateways are not as usual again: ${texts.join('; ')}`);
      }
    }
  };
  /** A gateway answers for one view, with what it computed up to the position. */
  const reads = async ({ port, running }: Gateway, after: string): Promise<boolean> => {
    if (running === null) return false;
    const answer = await fetch(`http://127.0.0.1:${port}/v1/features`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ features: PROBED, entities: [{ user: nameOf(0) }], after }),
      signal: AbortSignal.timeout(10_000),
    });
    return answer.ok;
  };
  const computed = async (position: string): Promise<void> => {
    for (const deadline = Date.now() + SERVES_AGAIN_MS; ; await sleep(500)) {
      const all = await Promise.all(
        gateways.map((gateway) => reads(gateway, position).catch(() => false)),
      );
      if (all.every((read) => read)) break;
      if (Date.now() > deadline)
        throw new Error(`${position} is not computed: ${all.join(', ')} by gateway`);
    }
    await servesAgain();
  };
  const parts: readonly Part[] = [
    ...gateways.map((gateway, i) => ({
      name: `gateway ${i}`,
      async restart(how: Signal) {
        await stop(gateway, how);
        await start(gateway);
        await servesAgain();
      },
    })),
    ...SERVERS.map((name) => ({
      name,
      async restart(how: Signal) {
        await stack.kill(name, how);
        await stack.start(name);
        await servesAgain();
      },
    })),
  ];

  const [sampled] = gateways as [Gateway];
  return {
    atOnce: false,
    // All servers share two cores: the rate leaves them room to restart.
    pace: { batches: 4, batch: 10, reads: 0.4, restarts: (minutes) => (minutes < 10 ? 1 : 2) },
    urls: [http.url],
    grpc: Array.from({ length: GATEWAYS }, () => `${grpc.address.host}:${grpc.address.port}`),
    parts,
    // A server needs half a minute to serve again, and all of them were killed before.
    last: parts.slice(0, GATEWAYS),
    computed,
    sample: () => sampleOf(`http://127.0.0.1:${sampled.port}`, sampled.running?.child.pid ?? 0),
    async close() {
      await Promise.all([http.close(), grpc.close()]);
      await Promise.all(gateways.map((gateway) => stop(gateway, 'SIGTERM')));
      await stack.down();
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
};
