/** Converts a Kafka message to a record of the log. */
import { isUtf8 } from 'node:buffer';
import type { Headers, LogRecord } from '#domain/ports/log.ts';
import { unframe } from '#infra/kafka/framing.ts';
import type { FetchedRecord } from '#infra/kafka/wire/fetch.ts';

/**
 * Kafka's headers are bytes, and a name may occur twice. The log's headers have one text per name;
 * all others come from other clients and are omitted.
 */
const headersOf = (raw: FetchedRecord['headers']): Headers | null => {
  if (raw.length === 0) return null;
  const texts = new Map<string, string | null>();
  for (const [name, value] of raw) {
    const key = String(name ?? '');
    const isText = value !== null && isUtf8(value) && !texts.has(key);
    texts.set(key, isText ? value.toString() : null);
  }
  const headers = [...texts].filter(([, text]) => text !== null);
  return headers.length === 0 ? null : (Object.fromEntries(headers) as Headers);
};

export const toLogRecord = (
  topic: string,
  partition: number,
  message: FetchedRecord,
): LogRecord => {
  const { key, value, offset, timestamp } = message;
  const record = {
    topic,
    partition,
    key: key === null ? null : key.toString(),
    ...unframe(value),
    offset,
    logTime: timestamp,
  };
  const headers = headersOf(message.headers);
  return headers === null ? record : { ...record, headers };
};
