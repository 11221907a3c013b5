/** A Kafka message as the log's record. */
import type { LogRecord } from '#domain/ports/log.ts';
import { unframe } from '#infra/kafka/framing.ts';

export interface KafkaMessage {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly offset: string;
  readonly timestamp: string;
}

export const toLogRecord = (topic: string, partition: number, { key, value, offset, timestamp }: KafkaMessage): LogRecord => ({
  topic,
  partition,
  key: key === null ? null : key.toString(),
  ...unframe(value),
  offset: Number(offset),
  logTime: Number(timestamp),
});
