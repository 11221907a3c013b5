/**
 * Child process of the memory test: publishes events of ever-new entities until the memory is low,
 * and prints what it found as one line of JSON. Its heap is small.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { count, entity, featureView, source } from 'millrace';
import { startEmbedded } from '#infra/profiles/embedded.ts';
import { caller, plain } from '#tests/support/platform.ts';

const BATCH = 500;
const PRODUCER = 'visits';

const visitor = entity({ name: 'visitor', keys: { visitor: 'string' } });
const visits = source({
  name: 'visits',
  fields: { visitor: 'string', at: 'timestamp' },
  eventTime: 'at',
});
const seen = featureView({
  name: 'seen',
  entity: visitor,
  source: visits,
  features: { visits: count() },
});

const platform = await startEmbedded({
  dataDirectory: process.argv[2] as string,
  historyEveryMs: 0,
  warn: (message) => process.stderr.write(`${message}\n`),
});
await platform.registry.apply(plain(visitor, visits, seen), {}, caller);

/** Long, so that few of them take much memory. */
const visitorAt = (n: number): string => `visitor-${n}`.padEnd(300, '-');
const countOf = async (n: number): Promise<unknown> =>
  (
    await platform.serving.read({
      features: ['seen:visits'],
      entities: [{ visitor: visitorAt(n) }],
    })
  ).values[0]?.[0];

const first = await platform.publishing.producerSequence('visits', PRODUCER);
let next = first;
let refusal: { readonly code?: string; readonly details?: unknown } | null = null;
while (refusal === null && next < 3_000_000) {
  const events = Array.from({ length: BATCH }, (_, i) => ({
    visitor: visitorAt(next + i),
    at: 1_700_000_000_000 + next,
  }));
  try {
    const producer = { id: PRODUCER, sequence: next };
    await platform.publishing.publish({ source: 'visits', events, producer }, caller);
    next += BATCH;
    // As between requests: the guard looks at the heap.
    await sleep(0);
  } catch (error) {
    refusal = error as { readonly code: string };
  }
}
const counts = [await countOf(0), await countOf(next - 1), await countOf(next)];
const ready = platform.operations.degraded();
const found = { first, next, code: refusal?.code, details: refusal?.details, counts, ready };
await platform.close();
process.stdout.write(`${JSON.stringify(found)}\n`);
