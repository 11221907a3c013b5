/**
 * Child process of the test of deletions: publishes an event per hour of the platform's clock, and
 * trims log and history all the time, until it is killed.
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import { type EmbeddedParts, startEmbedded } from '#infra/profiles/embedded.ts';
import { BATCH, clockAt, eventAt, PRODUCER, SOURCE, VIEW } from './keep-history-events.ts';

let parts: EmbeddedParts | null = null;
let next = Number(process.argv[3]);
let inHistory = 0;
const platform = await startEmbedded({
  dataDirectory: process.argv[2] as string,
  now: () => clockAt(next),
  historyEveryMs: 0,
  warn: (message) => process.stderr.write(`${message}\n`),
  keepLogMs: 0,
  onParts: (opened) => {
    parts = opened;
  },
});
const caller = { actor: 'test' };
next = await platform.publishing.producerSequence(SOURCE, PRODUCER);
inHistory = next;

const publish = async (): Promise<void> => {
  for (;;) {
    // A commit of too many days at once would need more memory than the history has.
    while (next - inHistory > 20 * BATCH) await sleep(1);
    const events = Array.from({ length: BATCH }, (_, i) => eventAt(next + i));
    const producer = { id: PRODUCER, sequence: next };
    await platform.publishing.publish({ source: SOURCE, events, producer }, caller);
    next += BATCH;
    writeSync(1, `acknowledged ${next}\n`);
  }
};

const trim = async (): Promise<void> => {
  const { history, retention } = parts as unknown as EmbeddedParts;
  for (;;) {
    const reached = next;
    await history.sync(rawTopic(SOURCE));
    inHistory = reached;
    await history.sync(featuresTopic(VIEW));
    await retention.trim();
    const [source] = (await platform.operations.status()).sources;
    writeSync(1, `begins ${source?.historyHorizon ?? 0}\n`);
  }
};

await Promise.all([publish(), trim()]);
