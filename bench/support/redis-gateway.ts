/** A gateway in a process of its own, over the hot copy of `drivers` alone; sends its address to its parent. */
import type { Platform } from '#domain/ports/platform.ts';
import { createHttpGateway } from '#gateways/http/gateway.ts';
import { COLUMNS, lastValues, redisRead } from './redis-rig.ts';

const [host, port] = [process.argv[2] as string, Number(process.argv[3])];
const { read } = await redisRead({ host, port }, lastValues('drivers', COLUMNS));
// The rest of the platform is not asked for anything.
const gateway = await createHttpGateway({ platform: { read } as unknown as Platform, host, port: 0 });
process.send?.(gateway.url);
