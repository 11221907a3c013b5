import { expect, test } from 'vitest';
import {
  featuresTopic,
  ingestTopic,
  lateTopic,
  REGISTRY_TOPIC,
  rawTopic,
  rejectedTopic,
} from '#domain/ports/topics.ts';
import { frame, UNFRAMED, unframe } from '#infra/kafka/framing.ts';
import { PRODUCERS_TOPIC, topicConfig } from '#infra/kafka/topic-config.ts';

const DAY = 24 * 3600 * 1000;

test.each([
  [rawTopic('flights'), { 'cleanup.policy': 'delete', 'retention.ms': String(30 * DAY) }],
  [rejectedTopic('flights'), { 'cleanup.policy': 'delete', 'retention.ms': String(30 * DAY) }],
  [lateTopic('delays'), { 'cleanup.policy': 'delete', 'retention.ms': '-1' }],
  [ingestTopic('flights'), { 'cleanup.policy': 'delete', 'retention.ms': String(30 * DAY) }],
  [featuresTopic('delays'), { 'cleanup.policy': 'compact' }],
  [REGISTRY_TOPIC, { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' }],
  [PRODUCERS_TOPIC, { 'cleanup.policy': 'compact' }],
])('%s', (topic, expected) => {
  expect(topicConfig(topic)).toMatchObject({
    ...expected,
    'message.timestamp.type': 'LogAppendTime',
  });
});

test('a given retention is used', () => {
  expect(topicConfig('raw.s', { retentionMs: DAY })).toMatchObject({ 'retention.ms': String(DAY) });
  expect(topicConfig('features.v', { retentionMs: DAY })).not.toHaveProperty(['retention.ms']);
  expect(topicConfig('features.v', { featuresRetentionMs: DAY })).toMatchObject({
    'cleanup.policy': 'compact,delete',
    'retention.ms': String(DAY),
  });
});

test('a frame is a zero, the id in four bytes and the value; bytes without a frame are returned unchanged', () => {
  expect([...frame(258, Uint8Array.of(9))]).toEqual([0, 0, 0, 1, 2, 9]);
  expect(unframe(frame(258, Uint8Array.of(9)))).toEqual({ schemaId: 258, value: Buffer.of(9) });
  expect(unframe(Buffer.from('{}'))).toEqual({ schemaId: UNFRAMED, value: Buffer.from('{}') });
  expect(unframe(Buffer.of(0, 0, 0))).toEqual({ schemaId: UNFRAMED, value: Buffer.of(0, 0, 0) });
  expect(unframe(null)).toEqual({ schemaId: UNFRAMED, value: new Uint8Array() });
});
