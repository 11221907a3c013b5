/**
 * The cache tier in Redis: one key an entity with all its tiles, one hash a generation with its
 * position.
 *
 *   mr:<platform>:{view#generation}:e:<entity>   a packed entity
 *   mr:<platform>:{view#generation}:progress     o:<p> next offset, b:<p> begun, r:<p> caught up;
 *                                                e newest event time; n partitions
 *   mr:<platform>:{view#generation}:ready        exists once every partition has caught up since it
 *                                                began
 *
 * Keys of another platform have other names: they are never read, and this platform's are filled
 * again.
 *
 * Redis may lose everything at a restart: `ready` is then lost too, and no read is answered from it
 * until it is full again. A read gets the blocks and `ready` in one command, so both are of the
 * same moment. Where keys have a time to live, an absent key does not prove that the entity has no
 * event.
 */
import { Redis } from 'ioredis';
import { packEntity } from '#domain/encoding/packed-block.ts';
import { HEAD_DOUBLES, type PackedEntity } from '#domain/encoding/packed-entity.ts';
import { unpackEntity } from '#domain/encoding/stored-block.ts';
import { MillraceError } from '#domain/errors.ts';
import {
  type CacheProgress,
  type CacheStore,
  type TilesAnswer,
  type TilesTarget,
  UNKNOWN,
} from '#domain/ports/online-store.ts';
import { batchedBlocks } from './batched-blocks.ts';
import { REPAIR, STORE } from './scripts.ts';

export interface RedisCacheStoreOptions {
  readonly host: string;
  readonly port: number;
  /** the platform's id */
  readonly platform: string;
  /** how long an entity without new events is kept, ms; null: for ever */
  readonly ttlOf: (target: TilesTarget) => number | null;
  readonly warn?: (message: string) => void;
}

interface Scripts {
  mrStore(keys: number, ...args: (string | Buffer)[]): Promise<number>;
  mrRepair(keys: number, ...args: (string | Buffer)[]): Promise<number>;
}

const HEAD_BYTES = HEAD_DOUBLES * 8;
const TIMEOUT_MS = 2_000;

/** So many digits of a platform's id are in every key. */
const ID_DIGITS = 12;

/** What the names of all keys of a platform begin with. */
export const redisPrefixOf = (platform: string): string =>
  `mr:${platform.replaceAll('-', '').slice(0, ID_DIGITS)}:`;

/** What the names of all keys of a generation begin with. */
export const redisKeysOf = (platform: string, view: string, generation: number): string =>
  `${redisPrefixOf(platform)}{${view}#${generation}}`;

const bytesOf = (entity: PackedEntity): Buffer => {
  const packed = packEntity(entity);
  return Buffer.isBuffer(packed)
    ? packed
    : Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
};

const EXPIRED: TilesAnswer = { found: 'unknown', part: null, expired: true };

export const redisCacheStore = (options: RedisCacheStoreOptions): CacheStore => {
  const prefixOf = (view: string, generation: number): string =>
    `${redisKeysOf(options.platform, view, generation)}:`;
  const prefix = ({ plan, generation }: TilesTarget): string => prefixOf(plan.view, generation);
  const entityPrefix = (target: TilesTarget): string => `${prefix(target)}e:`;
  const entityKey = (target: TilesTarget, key: string): string => entityPrefix(target) + key;
  const progressKey = (target: TilesTarget): string => `${prefix(target)}progress`;
  const readyKey = (target: TilesTarget): string => `${prefix(target)}ready`;
  const redis = new Redis({
    host: options.host,
    port: options.port,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    commandTimeout: TIMEOUT_MS,
    retryStrategy: (tries) => Math.min(50 * tries, 500),
  });
  let down = false;
  redis.on('error', (error: Error) => {
    if (!down)
      options.warn?.(
        `Redis at ${options.host}:${options.port} does not answer (${error.message}); reads go to the durable tier`,
      );
    down = true;
  });
  redis.on('ready', () => {
    down = false;
  });
  redis.defineCommand('mrStore', { lua: STORE });
  redis.defineCommand('mrRepair', { lua: REPAIR });
  const scripts = redis as unknown as Scripts;

  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw new MillraceError(
        'MR_STORE_UNAVAILABLE',
        `Redis at ${options.host}:${options.port} does not answer: ${String(error)}`,
        {
          store: 'redis',
        },
      );
    }
  };

  const readProgress = async (target: TilesTarget): Promise<CacheProgress> => {
    const fields = await redis.hgetall(progressKey(target));
    const partitions = Number(fields.n ?? 0);
    const offsets = Array.from({ length: partitions }, (_, p) =>
      fields[`o:${p}`] === undefined ? null : Number(fields[`o:${p}`]),
    );
    return {
      offsets,
      ready: partitions > 0 && offsets.every((_, p) => fields[`r:${p}`] === '1'),
      newestEventTime: fields.e === undefined ? null : Number(fields.e),
    };
  };

  const blocksOf = batchedBlocks(redis, readyKey, entityPrefix);

  const drop = async (view: string, generation: number): Promise<void> => {
    const progress = `${prefixOf(view, generation)}progress`;
    if ((await redis.exists(progress)) === 0) return;
    let cursor = '0';
    do {
      const [next, keys] = await redis.scan(
        cursor,
        'MATCH',
        `${prefixOf(view, generation)}*`,
        'COUNT',
        1000,
      );
      const entities = keys.filter((key) => key !== progress);
      if (entities.length > 0) await redis.unlink(...entities);
      cursor = next;
    } while (cursor !== '0');
    // Deleted last: as long as it exists, a drop that was interrupted is repeated.
    await redis.unlink(progress);
  };

  return {
    name: 'redis',
    read: (target, keys) =>
      guarded(async () => {
        const { ready, blocks, from } = await blocksOf(target, keys);
        if (!ready) return keys.map(() => UNKNOWN);
        const nothing: TilesAnswer =
          options.ttlOf(target) === null ? { found: 'nothing' } : EXPIRED;
        return keys.map((_, i): TilesAnswer => {
          const block = blocks[from + i];
          if (block == null) return nothing;
          const entity = unpackEntity(target.plan, block);
          if (entity === null) return UNKNOWN;
          return entity.whole
            ? { found: 'tiles', entity }
            : { found: 'unknown', part: entity, expired: false };
        });
      }),

    position: (target, partition) =>
      guarded(async () => {
        const [offset, begun] = await redis.hmget(
          progressKey(target),
          `o:${partition}`,
          `b:${partition}`,
        );
        return { offset: offset == null ? null : Number(offset), begun: Number(begun ?? 0) };
      }),

    load: (target, keys) =>
      guarded(async () => {
        if (keys.length === 0) return [];
        const blocks = await redis.mgetBuffer(keys.map((key) => entityKey(target, key)));
        const entities = blocks.map((block) =>
          block === null ? null : unpackEntity(target.plan, block),
        );
        // Blocks of an earlier release are dropped together with the position, so that the copy is
        // filled again from the topic.
        if (entities.some((entity, i) => entity === null && blocks[i] !== null))
          await drop(target.plan.view, target.generation);
        return entities;
      }),

    store: (target, partition, from, to, entries, { ready, newestEventTime, now, partitions }) =>
      guarded(async () => {
        const stored = await scripts.mrStore(
          2 + entries.length,
          progressKey(target),
          readyKey(target),
          ...entries.map(({ key }) => entityKey(target, key)),
          String(partition),
          from === null ? '' : String(from),
          String(to),
          ready ? '1' : '0',
          Number.isFinite(newestEventTime) ? String(newestEventTime) : '',
          String(now),
          String(options.ttlOf(target) ?? 0),
          String(partitions),
          ...entries.map(({ entity }) => bytesOf(entity)),
        );
        return stored === 1;
      }),

    repair: (target, key, read, whole) =>
      guarded(async () => {
        const head = bytesOf(read).subarray(0, HEAD_BYTES);
        await scripts.mrRepair(1, entityKey(target, key), head, bytesOf(whole));
      }),

    progress: (target) => guarded(() => readProgress(target)),

    drop: (view, generation) => guarded(() => drop(view, generation)),

    async close() {
      redis.disconnect();
    },
  };
};
