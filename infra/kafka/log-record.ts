/** A Kafka message as the log's record. */
import { isUtf8 } from 'node:buffer';
import type { Headers, LogRecord } from '#domain/ports/log.ts';
import { unframe } from '#infra/kafka/framing.ts';

export interface KafkaMessage {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly offset: string;
  readonly timestamp: string;
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
}

const isText = (value: unknown): value is Buffer => Buffer.isBuffer(value) && isUtf8(value);

/**
 * Kafka's headers are bytes, and a name may come twice: what is not one text is another hand's, and
 * not for us.
 */
const headersOf = (raw: KafkaMessage['headers']): Headers | null => {
  let headers: Record<string, string> | null = null;
  for (const name in raw) {
    const value = raw[name];
    if (isText(value)) (headers ??= {})[name] = value.toString();
  }
  return headers;
};

export const toLogRecord = (topic: string, partition: number, message: KafkaMessage): LogRecord => {
  const { key, value, offset, timestamp } = message;
  const record = {
    topic,
    partition,
    key: key === null ? null : key.toString(),
    ...unframe(value),
    offset: Number(offset),
    logTime: Number(timestamp),
  };
  const headers = headersOf(message.headers);
  return headers === null ? record : { ...record, headers };
};
