/**
 * Sends traced updates to the other gateways: the process that writes an update to the cache is
 * seldom the one that reads it. A lost message costs a trace its last span, nothing else, so
 * nothing waits for Redis here and no message is repeated.
 */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import type { TracedUpdate, TracedUpdates } from '#domain/ports/traced-updates.ts';

export interface TracedChannel {
  /** The same, but what is noted is also sent to the others, and what they send is noted here. */
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
    // The cache tier reports that Redis is unavailable.
    redis.on('error', () => {});
    return redis;
  };
  const publisher = open();
  const subscriber = open();
  subscriber.on('message', (_channel, text) => {
    const { from, update } = JSON.parse(text) as Message;
    if (from !== own) updates.note(update);
  });
  subscriber.subscribe(CHANNEL).catch(() => {});
  return {
    updates: {
      ...updates,
      note(update) {
        updates.note(update);
        const message: Message = { from: own, update };
        publisher.publish(CHANNEL, JSON.stringify(message)).catch(() => {});
      },
    },
    close() {
      publisher.disconnect();
      subscriber.disconnect();
    },
  };
};
