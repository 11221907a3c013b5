/**
 * A gateway in a process of its own, over the reads of `drivers` alone.
 *
 *   read-server.ts http|grpc memory ENTITIES
 *   read-server.ts http|grpc redis HOST PORT
 */
import type { Platform } from '#domain/api/platform.ts';
import { createGrpcGateway } from '#gateways/grpc/gateway.ts';
import { grpcModules } from '#gateways/grpc-modules.ts';
import { createHttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { driverRows } from './driver-rows.ts';
import { serveMeasured } from './measured-server.ts';
import { COLUMNS, lastValues, memoryRead, redisRead } from './redis-rig.ts';

const [protocol, store, ...where] = process.argv.slice(2);
const target = lastValues('drivers', COLUMNS);
const read =
  store === 'memory'
    ? memoryRead(target, driverRows(Number(where[0]), COLUMNS))
    : await redisRead({ host: where[0] as string, port: Number(where[1]) }, target);
// The gateway uses nothing else of the platform.
const platform = { serving: { read } } as unknown as Platform;
const listen = { platform, host: '127.0.0.1', port: 0 };
serveMeasured(
  protocol === 'grpc'
    ? (await createGrpcGateway({ modules: grpcModules(), ...listen })).address
    : (await createHttpGateway({ modules: httpModules(), ...listen })).url,
);
