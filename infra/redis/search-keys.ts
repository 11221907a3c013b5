/** Looks for bytes in the keys of a platform, and in what they have. */
import { Redis } from 'ioredis';
import { redisPrefixOf } from './cache-store.ts';

const SCANNED = 1_000;

/** @returns how many keys have one of the needles; null: Redis does not run, and so has nothing */
export const searchKeys = async (
  { host, port }: { readonly host: string; readonly port: number },
  platform: string,
  needles: readonly Buffer[],
): Promise<number | null> => {
  const redis = new Redis({
    ...{ host, port, lazyConnect: true, maxRetriesPerRequest: 0 },
    retryStrategy: () => null,
  });
  redis.on('error', () => {});
  const has = (bytes: Buffer | null): boolean =>
    bytes !== null && needles.some((needle) => bytes.includes(needle));
  /** Blocks of entities are strings, and positions of generations are hashes. */
  const contentOf = async (key: Buffer): Promise<readonly (Buffer | null)[]> =>
    (await redis.type(key)) === 'hash'
      ? Object.values(await redis.hgetallBuffer(key))
      : [await redis.getBuffer(key)];
  try {
    await redis.connect();
  } catch {
    return null;
  }
  try {
    let found = 0;
    const pattern = `${redisPrefixOf(platform)}*`;
    for (let cursor = ''; cursor !== '0'; ) {
      const [next, keys] = await redis.scanBuffer(
        cursor === '' ? '0' : cursor,
        'MATCH',
        pattern,
        'COUNT',
        SCANNED,
      );
      for (const key of keys) if (has(key) || (await contentOf(key)).some(has)) found++;
      cursor = next.toString();
    }
    return found;
  } finally {
    redis.disconnect();
  }
};
