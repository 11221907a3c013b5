/**
 * Two gateways over one log: a producer that moves from one to the other, or sends to both, is
 * counted once.
 */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createPublish, type Publish } from '#commands/ingest/publish.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import { readAll } from '#tests/contracts/log.contract.ts';
import { addresses } from '#tests/stack/support/addresses.ts';
import { openIngest } from './ingest-worker-process.ts';

type Gateway = Awaited<ReturnType<typeof openIngest>> & { readonly publish: Publish };
let gateways: Gateway[];
const caller = { actor: 'test' } as Parameters<Publish>[1];

beforeEach(async () => {
  const prefix = `${randomUUID().slice(0, 8)}.`;
  gateways = await Promise.all(
    [1, 2].map(async () => {
      const under = await openIngest({
        kafka: addresses().kafka,
        registry: addresses().registry,
        prefix,
      });
      const source = await under.source();
      return {
        ...under,
        publish: createPublish({ log: under.log, ingest: async () => source, now: Date.now }),
      };
    }),
  );
});
afterEach(() => Promise.all(gateways.map(({ log }) => log.close())));

const batch = (sequence: number, size: number): Parameters<Publish>[0] => ({
  source: 'bids',
  events: Array.from({ length: size }, (_, i) => ({
    id: `e${sequence + i}`,
    at: Date.UTC(2024, 0, 1),
    user: 'ann',
  })),
  producer: { id: 'p', sequence },
});

const stored = async ({ log }: Gateway): Promise<number> =>
  (await Promise.all([0, 1].map((partition) => readAll(log, rawTopic('bids'), partition)))).flat()
    .length;

test('a producer that goes to and fro between gateways', async () => {
  const [one, two] = gateways as [Gateway, Gateway];
  for (let n = 0; n < 6; n++) {
    const began = performance.now();
    const answer = await (n % 2 === 0 ? one : two).publish(batch(n * 5, 5), caller);
    expect(answer).toMatchObject({ accepted: 5, duplicates: 0 });
    expect(performance.now() - began).toBeLessThan(1500);
  }
  expect(await two.publish(batch(0, 5), caller)).toMatchObject({ accepted: 0, duplicates: 5 });
  expect(await stored(one)).toBe(30);
});

test('the same batch to both at once: one takes it, the other says so', async () => {
  const answers = await Promise.all(gateways.map(({ publish }) => publish(batch(0, 7), caller)));
  expect(answers.map(({ accepted, duplicates }) => [accepted, duplicates]).sort()).toEqual([
    [0, 7],
    [7, 0],
  ]);
  expect(await stored(gateways[0] as Gateway)).toBe(7);
});

test('the position of an answer is one that reading reaches', async () => {
  const [one, two] = gateways as [Gateway, Gateway];
  const { position } = await one.publish(batch(0, 20), caller);
  for (const text of position.slice(position.indexOf('@') + 1).split(',')) {
    const [partition = 0, offset] = text.split(':').map(Number);
    expect((await readAll(two.log, rawTopic('bids'), partition)).at(-1)?.offset).toBe(
      (offset ?? 0) - 1,
    );
  }
});
