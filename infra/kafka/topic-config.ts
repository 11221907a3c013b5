/** How each kind of topic is kept: one table, by the topic's name. */
import { REGISTRY_TOPIC } from '#domain/ports/topics.ts';

export interface TopicOptions {
  /** how long raw, rejected, late and ingest records stay; the history has the rest */
  readonly retentionMs?: number;
  /**
   * given: a tile's last update goes this long after it was written; absent: the newest update of
   * every tile stays
   */
  readonly featuresRetentionMs?: number;
  readonly replicationFactor?: number;
}

export type TopicConfig = Readonly<Record<string, string>>;

const DAY_MS = 24 * 3600 * 1000;
export const DEFAULT_RETENTION_MS = 30 * DAY_MS;
/** The largest batch: the log takes records of up to 16 MiB. */
export const MAX_BATCH_BYTES = 17 * 1024 * 1024;
/** Producers' sequences, ours alone. */
export const PRODUCERS_TOPIC = '_millrace.producers';

const COMPACTION = {
  // compaction may start soon after a write, and a segment closes daily or it would never be
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
  // every event of the registry is needed for ever, so none may be compacted away: its keys are not
  // "newest wins"
  if (topic === REGISTRY_TOPIC)
    return { ...common, 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' };
  if (topic.startsWith('features.')) {
    return options.featuresRetentionMs === undefined
      ? { ...common, 'cleanup.policy': 'compact', ...COMPACTION }
      : {
          ...common,
          'cleanup.policy': 'compact,delete',
          'retention.ms': String(options.featuresRetentionMs),
          ...COMPACTION,
        };
  }
  return {
    ...common,
    'cleanup.policy': 'delete',
    'retention.ms': String(options.retentionMs ?? DEFAULT_RETENTION_MS),
  };
};
