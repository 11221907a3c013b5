/**
 * The feature log: what services answered, as events on the log. A read only leaves a reference to
 * its answer behind; rows are encoded and appended afterwards, in batches, so no read waits for
 * them.
 *
 * - note: decides by the request's id whether the answer is logged, and puts all of it into the
 *   buffer, or drops all of it;
 * - buffer: holds a bounded number of rows; what does not fit is dropped and counted, by service
 *   and reason;
 * - flush: one append for each batch of a service, numbered as a producer's, so a repeated append
 *   is stored once.
 *
 * Appended rows are durable. A crash loses the buffer: while the log can be written, the answers of
 * at most `flushMs`.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Caller } from '#domain/api/caller.ts';
import type { ReadRequest, ReadResult } from '#domain/api/serving.ts';
import { messageOf } from '#domain/error-message.ts';
import type { DropReason } from '#domain/feature-log/drop-reasons.ts';
import type { FeatureLogColumns } from '#domain/feature-log/feature-log-record.ts';
import { isSampled } from '#domain/feature-log/sampled.ts';
import type { Log } from '#domain/ports/log.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import { featureLogTopic } from '#domain/ports/topics.ts';
import { encodeAnswer, type FeatureLogVersions, type LoggedAnswer } from './encode-answer.ts';
import { type FeatureLogTopic, featureLogTopics } from './feature-log-topics.ts';

export interface Loggable {
  readonly columns: FeatureLogColumns;
  /** the share of requests that is logged; null: logged in the past, and no longer */
  readonly sample: number | null;
}

interface FeatureLogDependencies {
  readonly log: Log;
  readonly schemas: SchemaRegistry;
  /** the versions that a service's reads were last planned with */
  readonly versions: (service: string) => FeatureLogVersions;
  readonly newId: () => string;
  readonly warn: (message: string) => void;
  readonly logged: (service: string, rows: number) => void;
  readonly dropped: (service: string, reason: DropReason, rows: number) => void;
  readonly limits?: Partial<FeatureLogLimits>;
}

export interface FeatureLogLimits {
  readonly bufferRows: number;
  readonly batchRows: number;
  readonly flushMs: number;
  /** how long `close` tries to write what is in the buffer */
  readonly closeMs: number;
}

export interface FeatureLog {
  /** Notes the answer of a read of a service. Awaits nothing, throws nothing. */
  readonly note: (request: ReadRequest, result: ReadResult, caller: Caller) => void;
  /** Logs these services from now on, and creates their topics and schemas. */
  readonly follow: (services: readonly Loggable[]) => Promise<void>;
  /** Resolves when everything noted so far is on the log, or dropped. */
  readonly flush: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** A service that is logged. */
interface Logging extends FeatureLogTopic {
  readonly service: string;
  readonly topic: string;
  readonly share: number;
}

interface Noted {
  readonly logging: Logging;
  readonly answer: LoggedAnswer;
}

const LIMITS: FeatureLogLimits = {
  bufferRows: 20_000,
  batchRows: 500,
  flushMs: 500,
  closeMs: 5_000,
};
/** After this time topics and schemas that could not be created are tried again. */
const FOLLOW_AGAIN_MS = 5_000;
const RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;

const rowsOf = ({ answer }: Noted): number => answer.result.entities.length;

export const createFeatureLog = (dependencies: FeatureLogDependencies): FeatureLog => {
  const { log, warn, logged, dropped } = dependencies;
  const limits = { ...LIMITS, ...dependencies.limits };
  const producer = `served-${dependencies.newId()}`;
  /** the services that are logged, by name */
  let active = new Map<string, Logging>();
  const openTopic = featureLogTopics(dependencies);
  /** topic → the sequence of the next row */
  const sequences = new Map<string, number>();
  let buffer: Noted[] = [];
  /** in the buffer, and in the batch that is being written */
  let bufferedRows = 0;
  let requestsWithoutId = 0;
  let timer: NodeJS.Timeout | null = null;
  let draining: Promise<void> | null = null;
  /** epoch ms; null: not closing */
  let closeBy: number | null = null;
  let lastWarning = '';
  let retryTimer: NodeJS.Timeout | null = null;

  /** Repeats until it is written, under the same sequence. */
  const append = async (
    { service, topic, schemaId }: Logging,
    values: readonly Uint8Array[],
  ): Promise<void> => {
    const sequence = sequences.get(topic) ?? 0;
    const records = values.map((value) => ({ topic, partition: 0, key: null, value, schemaId }));
    for (let pause = RETRY_MS; ; pause = Math.min(MAX_RETRY_MS, pause * 2)) {
      try {
        await log.append({
          records,
          producer: { id: producer, topic, sequence, count: values.length },
        });
        sequences.set(topic, sequence + values.length);
        logged(service, values.length);
        lastWarning = '';
        return;
      } catch (error) {
        const message = messageOf(error);
        if (message !== lastWarning)
          warn(`answers of "${service}" could not be logged; the append is repeated: ${message}`);
        lastWarning = message;
        if (closeBy !== null && Date.now() + pause > closeBy)
          return dropped(service, 'failed', values.length);
        await sleep(pause);
      }
    }
  };

  /** Takes the oldest answers from the buffer: about a batch of rows, all of one service. */
  const takeBatch = (): Noted[] => {
    const { logging } = buffer[0] as Noted;
    const batch: Noted[] = [];
    let count = 0;
    for (const noted of buffer) {
      if (noted.logging !== logging || count >= limits.batchRows) break;
      batch.push(noted);
      count += rowsOf(noted);
    }
    buffer = buffer.slice(batch.length);
    return batch;
  };

  const drain = async (): Promise<void> => {
    while (buffer.length > 0) {
      const batch = takeBatch();
      const { logging } = batch[0] as Noted;
      const values: Uint8Array[] = [];
      for (const noted of batch) {
        try {
          values.push(...(await encodeAnswer(noted.answer)));
        } catch (error) {
          dropped(logging.service, 'value', rowsOf(noted));
          warn(`an answer of "${logging.service}" could not be logged: ${messageOf(error)}`);
        }
      }
      if (values.length > 0) await append(logging, values);
      bufferedRows -= batch.reduce((sum, noted) => sum + rowsOf(noted), 0);
    }
  };

  const flush = (): Promise<void> => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    draining ??= drain().finally(() => {
      draining = null;
      // An answer may have been noted after the last check of the buffer.
      if (buffer.length > 0) schedule();
    });
    return draining;
  };
  const schedule = (): void => {
    timer ??= setTimeout(() => void flush(), limits.flushMs);
  };

  const enqueue = (
    logging: Logging,
    requestId: string,
    { request }: ReadRequest,
    result: ReadResult,
    actor: string,
  ): void => {
    const { service, codec, share } = logging;
    const count = result.entities.length;
    if (count === 0) return;
    if (codec === null) return dropped(service, 'schema', count);
    // An answer is logged whole or not at all. One larger than the buffer fits when it is empty.
    if (bufferedRows > 0 && bufferedRows + count > limits.bufferRows)
      return dropped(service, 'full', count);
    const versions = dependencies.versions(service);
    buffer.push({ logging, answer: { codec, share, versions, requestId, actor, request, result } });
    bufferedRows += count;
    if (bufferedRows >= limits.batchRows) void flush();
    else if (draining === null) schedule();
  };

  /** the services of the last `follow` */
  let followed: readonly Loggable[] = [];
  const follow = async (services: readonly Loggable[]): Promise<void> => {
    followed = services;
    const next = new Map<string, Logging>();
    for (const { columns, sample } of services) {
      const { service } = columns;
      const topic = await openTopic(columns, followAgain);
      if (sample !== null && sample > 0)
        next.set(service, { service, topic: featureLogTopic(service), share: sample, ...topic });
    }
    if (followed === services && closeBy === null) active = next;
  };
  const followAgain = (): void => {
    retryTimer ??= setTimeout(() => {
      retryTimer = null;
      if (closeBy === null) void follow(followed);
    }, FOLLOW_AGAIN_MS);
  };

  return {
    note(request, result, caller) {
      const logging = active.get(request.service as string);
      if (logging === undefined || request.at !== undefined || request.known !== undefined) return;
      const requestId = caller.requestId ?? `${producer}-${requestsWithoutId++}`;
      if (!isSampled(requestId, logging.share)) return;
      enqueue(logging, requestId, request, result, caller.actor);
    },
    follow,
    async flush() {
      await draining;
      await flush();
    },
    async close() {
      active = new Map();
      closeBy = Date.now() + limits.closeMs;
      if (retryTimer !== null) clearTimeout(retryTimer);
      await draining;
      await flush();
    },
  };
};
