/**
 * Child process of the trim test: publishes numbered events and trims the log all the time, until
 * it is killed. It prints how many events were acknowledged, and how many records were trimmed.
 */
import { writeSync } from 'node:fs';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import { type EmbeddedParts, startEmbedded } from '#infra/profiles/embedded.ts';
import { BATCH, eventAt, PRODUCER, SOURCE, VIEW } from './trim-events.ts';

let parts: EmbeddedParts | null = null;
const platform = await startEmbedded({
  dataDirectory: process.argv[2] as string,
  historyEveryMs: 0,
  warn: (message) => process.stderr.write(`${message}\n`),
  keepLogMs: 0,
  onParts: (opened) => {
    parts = opened;
  },
});
const caller = { actor: 'test' };
let next = await platform.publishing.producerSequence(SOURCE, PRODUCER);

const publish = async (): Promise<void> => {
  for (;;) {
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
    await history.sync(rawTopic(SOURCE));
    await history.sync(featuresTopic(VIEW));
    writeSync(1, `trimmed ${await retention.trim()}\n`);
  }
};

await Promise.all([publish(), trim()]);
