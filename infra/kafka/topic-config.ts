/** The configuration of each kind of topic, by the topic's name. */
import { isFeaturesTopic, REGISTRY_TOPIC } from '#domain/ports/topics.ts';

export interface TopicOptions {
  /** retention of raw, rejected and ingest records; older raw events are in the history */
  readonly retentionMs?: number;
  /**
   * given: the last update of a tile is deleted this long after it was written; absent: the newest
   * update of every tile is kept
   */
  readonly featuresRetentionMs?: number;
  readonly replicationFactor?: number;
}

export type TopicConfig = Readonly<Record<string, string>>;

const DAY_MS = 24 * 3600 * 1000;
export const DEFAULT_RETENTION_MS = 30 * DAY_MS;
/** The largest batch: the log accepts records of up to 16 MiB. */
export const MAX_BATCH_BYTES = 17 * 1024 * 1024;
/** The internal topic with the sequences of producers. */
export const PRODUCERS_TOPIC = '_millrace.producers';

const COMPACTION = {
  // compaction starts soon after a write; a segment closes daily, because an open one is never
  // compacted
  'min.cleanable.dirty.ratio': '0.1',
  'segment.ms': String(DAY_MS),
} as const;

export const topicConfig = (topic: string, options: TopicOptions = {}): TopicConfig => {
  const common = {
    'message.timestamp.type': 'LogAppendTime',
    'max.message.bytes': String(MAX_BATCH_BYTES),
  };
  if (topic === PRODUCERS_TOPIC) return { ...common, 'cleanup.policy': 'compact', ...COMPACTION };
  // all registry events are kept: an event does not replace an earlier one with the same key, so
  // the topic must not be compacted
  if (topic === REGISTRY_TOPIC)
    return { ...common, 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' };
  if (isFeaturesTopic(topic)) {
    return options.featuresRetentionMs === undefined
      ? { ...common, 'cleanup.policy': 'compact', ...COMPACTION }
      : {
          ...common,
          'cleanup.policy': 'compact,delete',
          'retention.ms': String(options.featuresRetentionMs),
          ...COMPACTION,
        };
  }
  // What a view left out as late is in no history, and decides values of the past.
  if (topic.startsWith('late.'))
    return { ...common, 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' };
  return {
    ...common,
    'cleanup.policy': 'delete',
    'retention.ms': String(options.retentionMs ?? DEFAULT_RETENTION_MS),
  };
};
