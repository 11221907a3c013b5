/**
 * Where the CPU time of one request goes: HTTP and gRPC, 1 and 100 entities × 50 features, from the
 * cached copy in a Redis, 16 requests in flight. The time is that of the gateway process in a run
 * without the profiler; the shares are those of a second run with it.
 *
 *   npm run bench cpu-profile [SECONDS]
 */

import { grpcBodies, httpBodies, readMethod } from './support/driver-requests.ts';
import { driverRows } from './support/driver-rows.ts';
import { grpcLoad } from './support/grpc-load.ts';
import { sharesOf } from './support/profile-table.ts';
import { type Load, load } from './support/read-load.ts';
import { COLUMNS, encodeRows, lastValues, writeRows } from './support/redis-rig.ts';
import { startRedis } from './support/redis-server.ts';
import { startServer } from './support/server-process.ts';

const seconds = Number(process.argv[2] ?? 5);
const ENTITIES = 10_000;
const IN_FLIGHT = 16;
const LEAST_SHARE = 0.01;

const redis = await startRedis();
const target = lastValues('drivers', COLUMNS);
await writeRows(redis.address, target, encodeRows(target, driverRows(ENTITIES, COLUMNS)));

const profileOf = async (protocol: 'http' | 'grpc', count: number): Promise<void> => {
  const server = await startServer('./read-server.ts', [
    protocol,
    'redis',
    redis.address.host,
    `${redis.address.port}`,
  ]);
  const run = (): Promise<Load> =>
    protocol === 'grpc'
      ? grpcLoad({
          address: server.address,
          path: readMethod.path,
          bodies: grpcBodies(count, ENTITIES),
          seconds,
          inFlight: IN_FLIGHT,
          streaming: false,
        })
      : load({
          urls: [`${server.address}/v1/features`],
          bodies: httpBodies(count, ENTITIES),
          seconds,
          rate: 0,
          connections: IN_FLIGHT,
        });
  await server.measure(run);
  const { cpu, result } = await server.measure(run);
  const { profile } = await server.measure(run, true);
  await server.stop();
  if (profile === null) throw new Error('there is no profile');
  const micros = (cpu * 1e6) / result.answered;
  console.log(
    `\n${protocol === 'grpc' ? 'gRPC' : 'HTTP'}, ${count} × ${COLUMNS}: ${micros.toFixed(1)} µs of CPU a request (${Math.round(result.requests).toLocaleString('en')} requests/s, ${result.errors} errors)`,
  );
  console.log('| µs | share | who | most of it, % |\n|---|---|---|---|');
  for (const { who, share, most } of sharesOf(profile))
    if (share >= LEAST_SHARE)
      console.log(
        `| ${(share * micros).toFixed(1)} | ${(share * 100).toFixed(1)} % | ${who} | ${most.join(', ')} |`,
      );
};

for (const count of [1, 100])
  for (const protocol of ['http', 'grpc'] as const) await profileOf(protocol, count);
process.exit(0);
