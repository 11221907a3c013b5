/**
 * Traced updates, told to the other gateways: whoever takes an update in is seldom who reads it. A
 * message that is lost costs a trace its last span, nothing else, so nothing waits for Redis here
 * and nothing is sent again.
 */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import type { TracedUpdate, TracedUpdates } from '#domain/ports/traced-updates.ts';

export interface TracedChannel {
  /** The same, but that what is noted is told to others, and what they tell is noted here. */
  readonly updates: TracedUpdates;
  readonly close: () => void;
}

const CHANNEL = 'mr:traced';

interface Message {
  readonly from: string;
  readonly update: TracedUpdate;
}

export const tracedChannel = (
  updates: TracedUpdates,
  at: { readonly host: string; readonly port: number },
): TracedChannel => {
  const own = randomUUID();
  const open = (): Redis => {
    const redis = new Redis({
      ...at,
      maxRetriesPerRequest: 0,
      retryStrategy: (tries) => Math.min(50 * tries, 2_000),
    });
    // the cache tier says that Redis is away
    redis.on('error', () => {});
    return redis;
  };
  const telling = open();
  const hearing = open();
  hearing.on('message', (_channel, text) => {
    const { from, update } = JSON.parse(text) as Message;
    if (from !== own) updates.note(update);
  });
  hearing.subscribe(CHANNEL).catch(() => {});
  return {
    updates: {
      ...updates,
      note(update) {
        updates.note(update);
        const message: Message = { from: own, update };
        telling.publish(CHANNEL, JSON.stringify(message)).catch(() => {});
      },
    },
    close() {
      telling.disconnect();
      hearing.disconnect();
    },
  };
};
