/**
 * Millrace's gRPC reads and bare @grpc/grpc-js, which answers a constant of the same size without
 * reading the request: the same client, each server in a process of its own, in turns, medians.
 * From tiles in memory and from a Redis; single calls and a stream.
 *
 *   npm run bench grpc [SECONDS] [ROUNDS]
 */
import { Client, credentials } from '@grpc/grpc-js';
import type { ReadResponse__Output } from '#gateways/grpc/generated/millrace/v1/ReadResponse.ts';
import { plainOf } from '#gateways/grpc/struct.ts';
import { grpcBodies, idsOf, readMethod as method } from './support/driver-requests.ts';
import { driverRows } from './support/driver-rows.ts';
import { grpcLoad } from './support/grpc-load.ts';
import type { Load } from './support/read-load.ts';
import { COLUMNS, type DriverRow, encodeRows, lastValues, writeRows } from './support/redis-rig.ts';
import { startRedis } from './support/redis-server.ts';
import { median, print } from './support/report.ts';
import { type ServerProcess, startServer } from './support/server-process.ts';

const seconds = Number(process.argv[2] ?? 2);
const rounds = Number(process.argv[3] ?? 3);
const ENTITIES = 10_000;
const IN_FLIGHT = 16;

const redis = await startRedis();
const rows = [...driverRows(ENTITIES, COLUMNS)];
const target = lastValues('drivers', COLUMNS);
await writeRows(redis.address, target, encodeRows(target, rows));
const memory = await startServer('./read-server.ts', ['grpc', 'memory', `${ENTITIES}`]);
const cache = await startServer('./read-server.ts', [
  'grpc',
  'redis',
  redis.address.host,
  `${redis.address.port}`,
]);

const same = (bytes: Buffer): Buffer => bytes;
const askOnce = ({ address }: ServerProcess, body: Buffer): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const client = new Client(address, credentials.createInsecure());
    client.makeUnaryRequest(method.path, same, same, body, (error, answer) => {
      client.close();
      if (error === null) resolve(answer as Buffer);
      else reject(error);
    });
  });

/** The answers are checked before they are measured. */
const checked = async (server: ServerProcess, count: number): Promise<Buffer> => {
  const bytes = await askOnce(server, grpcBodies(count, ENTITIES)[1] as Buffer);
  const answer = method.responseDeserialize(bytes) as ReadResponse__Output;
  idsOf(1, count, ENTITIES).forEach((id, r) => {
    const expected = rows[id] as DriverRow;
    answer.features.forEach((name, i) => {
      const value = plainOf(answer.rows[r]?.values[i]);
      if (value !== expected[name])
        throw new Error(`${name} of ${id} is ${value}, not ${expected[name]}`);
    });
  });
  return bytes;
};

interface Run {
  readonly load: Load;
  /** µs of the server's process */
  readonly cpu: number;
}

const run = async (
  server: ServerProcess,
  bodies: readonly Buffer[],
  streaming: boolean,
): Promise<Run> => {
  const { result, cpu } = await server.measure(() =>
    grpcLoad({
      address: server.address,
      path: method.path,
      bodies,
      seconds,
      inFlight: IN_FLIGHT,
      streaming,
    }),
  );
  return { load: result, cpu: (cpu * 1e6) / result.answered };
};

const whole = (n: number): string => Math.round(n).toLocaleString('en');
const compare = async (
  what: string,
  count: number,
  streaming: boolean,
  servers: Readonly<Record<string, ServerProcess>>,
): Promise<void> => {
  const bodies = grpcBodies(count, ENTITIES);
  const answers = await Promise.all(Object.values(servers).map((server) => checked(server, count)));
  const answer = answers[0] as Buffer;
  const bare = await startServer('./bare-grpc.ts', [method.path, answer.toString('base64')]);
  const all = { bare, ...servers };
  const runs = new Map(Object.keys(all).map((name) => [name, [] as Run[]]));
  // The first round is warm-up.
  for (let round = 0; round <= rounds; round++)
    for (const [name, server] of Object.entries(all)) {
      const one = await run(server, bodies, streaming);
      if (round > 0) runs.get(name)?.push(one);
    }
  await bare.stop();
  const of = (name: string, figure: (one: Run) => number): number =>
    median((runs.get(name) ?? []).map(figure));
  const figures = Object.keys(servers).flatMap((name) => {
    const share = of(name, ({ load }) => load.requests) / of('bare', ({ load }) => load.requests);
    const errors = of(name, ({ load }) => load.errors);
    return [
      {
        what: `${name}: requests/s`,
        ours: whole(of(name, ({ load }) => load.requests)),
        limit: whole(of('bare', ({ load }) => load.requests)),
        goal: `half: ${(share * 100).toFixed(0)} %`,
        met: share >= 0.5,
      },
      {
        what: `${name}: CPU a request, µs`,
        ours: whole(of(name, ({ cpu }) => cpu)),
        limit: whole(of('bare', ({ cpu }) => cpu)),
        goal: '',
        met: null,
      },
      {
        what: `${name}: p99, ms`,
        ours: of(name, ({ load }) => load.p99).toFixed(1),
        limit: of('bare', ({ load }) => load.p99).toFixed(1),
        goal: errors === 0 ? '' : `errors: ${errors}`,
        met: errors === 0 ? null : false,
      },
    ];
  });
  print(
    `${what}: beside bare @grpc/grpc-js with a constant of ${answer.length} bytes, one connection, ${IN_FLIGHT} in flight, medians of ${rounds}`,
    figures,
  );
};

await compare('gRPC Read, 1 entity × 50 features', 1, false, { memory, Redis: cache });
await compare('gRPC ReadStream, 1 entity × 50 features', 1, true, { memory, Redis: cache });
await compare('gRPC Read, 100 entities × 50 features', 100, false, { memory, Redis: cache });
process.exit(0);
