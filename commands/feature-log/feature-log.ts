/**
 * What services answered, as events on the log. A read only leaves a reference behind: rows are
 * encoded and appended afterwards, in batches, so that no read waits for them.
 *
 *   note decides by the request's id whether it is logged, and puts the whole answer into the
 *   buffer, or drops the whole of it
 *   buffer bounded by rows; what does not fit is counted, by service and reason
 *   flush an append a service and batch, numbered as a producer's, so that one tried again after an
 *   unclear failure is there once
 *
 * What was appended is durable; what a crash finds in the buffer is lost, at most `flushMs` of it
 * while the log can be written.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Caller } from '#domain/api/caller.ts';
import type { ReadRequest, ReadResult } from '#domain/api/serving.ts';
import { messageOf } from '#domain/error-message.ts';
import type { DropReason } from '#domain/feature-log/drop-reasons.ts';
import type {
  FeatureLogCodec,
  FeatureLogColumns,
  FeatureLogOnDemand,
} from '#domain/feature-log/feature-log-record.ts';
import { isSampled } from '#domain/feature-log/sampled.ts';
import type { EntityKey } from '#domain/plan/plan.ts';
import type { Log } from '#domain/ports/log.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import { featureLogTopic } from '#domain/ports/topics.ts';
import type { Row } from '#domain/values/value.ts';
import { type FeatureLogTopic, featureLogTopics } from './feature-log-topics.ts';

export interface Loggable {
  readonly columns: FeatureLogColumns;
  /** null: no more */
  readonly sample: number | null;
}

/** What a service's answers are computed by. */
export interface FeatureLogVersions {
  readonly version: number;
  readonly onDemand: readonly FeatureLogOnDemand[];
}

export interface FeatureLogDependencies {
  readonly log: Log;
  readonly schemas: SchemaRegistry;
  /** the versions that a service's reads go by, those being planned now included */
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
  /** how long closing tries to write what is in the buffer */
  readonly closeMs: number;
}

export interface FeatureLog {
  /** Of a read that was answered just now. Awaits nothing, throws nothing. */
  readonly note: (request: ReadRequest, result: ReadResult, caller: Caller) => void;
  /** The services as they are now: their topics and schemas are made. */
  readonly follow: (services: readonly Loggable[]) => Promise<void>;
  /** Resolves when all that was noted before is on the log, or dropped. */
  readonly flush: () => Promise<void>;
  readonly close: () => Promise<void>;
}

interface Logging extends FeatureLogTopic {
  readonly service: string;
  readonly topic: string;
  readonly share: number;
}

interface Noted {
  readonly logging: Logging;
  readonly versions: FeatureLogVersions;
  readonly requestId: string;
  readonly actor: string;
  readonly request: readonly Row[] | undefined;
  readonly result: ReadResult;
}

const LIMITS: FeatureLogLimits = {
  bufferRows: 20_000,
  batchRows: 500,
  flushMs: 500,
  closeMs: 5_000,
};
/** Rows encoded before reads get their turn. */
const TURN_ROWS = 50;
/** until a topic and a schema that could not be made now are tried again */
const FOLLOW_AGAIN_MS = 5_000;
const RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;
const EMPTY: Row = {};
const otherTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export const createFeatureLog = (dependencies: FeatureLogDependencies): FeatureLog => {
  const { log, warn, logged, dropped } = dependencies;
  const limits = { ...LIMITS, ...dependencies.limits };
  const producer = `served-${dependencies.newId()}`;
  /** services that are logged now */
  let active = new Map<string, Logging>();
  const openTopic = featureLogTopics(dependencies);
  const sequences = new Map<string, number>();
  let queue: Noted[] = [];
  let rows = 0;
  let unnamed = 0;
  let timer: NodeJS.Timeout | null = null;
  let draining: Promise<void> | null = null;
  let closeBy: number | null = null;
  let said = '';
  let again: NodeJS.Timeout | null = null;

  const encode = async ({
    logging,
    versions,
    requestId,
    actor,
    request,
    result,
  }: Noted): Promise<Uint8Array[]> => {
    const { codec } = logging;
    const { entities, views, features, at, known } = result;
    const values: Uint8Array[] = [];
    for (let row = 0; row < entities.length; row++) {
      if (row % TURN_ROWS === TURN_ROWS - 1) await otherTurn();
      values.push(
        (codec as FeatureLogCodec).encode({
          requestId,
          row,
          rows: entities.length,
          actor,
          serviceVersion: versions.version,
          sample: logging.share,
          at,
          known,
          entity: entities[row] as EntityKey,
          request:
            request === undefined
              ? EMPTY
              : ((request.length === 1 ? request[0] : request[row]) ?? EMPTY),
          views: views.map(({ view, version, generation, position, completeThrough }) => ({
            view,
            version,
            generation,
            position,
            completeThrough,
          })),
          onDemand: versions.onDemand,
          features,
          values: result.values[row] ?? [],
          status: result.status[row] ?? [],
        }),
      );
    }
    return values;
  };

  /** Until it is written: what fails is tried again under the same number. */
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
        said = '';
        return;
      } catch (error) {
        const message = messageOf(error);
        if (message !== said)
          warn(`what "${service}" served could not be logged, and is tried again: ${message}`);
        said = message;
        if (closeBy !== null && Date.now() + pause > closeBy)
          return dropped(service, 'failed', values.length);
        await sleep(pause);
      }
    }
  };

  /** The oldest requests of one service, about a batch. */
  const takeBatch = (): Noted[] => {
    const { logging } = queue[0] as Noted;
    const batch: Noted[] = [];
    let count = 0;
    for (const noted of queue) {
      if (noted.logging !== logging || count >= limits.batchRows) break;
      batch.push(noted);
      count += noted.result.entities.length;
    }
    queue = queue.slice(batch.length);
    return batch;
  };

  const drain = async (): Promise<void> => {
    while (queue.length > 0) {
      const batch = takeBatch();
      const { logging } = batch[0] as Noted;
      const values: Uint8Array[] = [];
      for (const noted of batch) {
        try {
          values.push(...(await encode(noted)));
        } catch (error) {
          dropped(logging.service, 'value', noted.result.entities.length);
          warn(`an answer of "${logging.service}" could not be logged: ${messageOf(error)}`);
        }
      }
      if (values.length > 0) await append(logging, values);
      rows -= batch.reduce((sum, { result }) => sum + result.entities.length, 0);
    }
  };

  const flush = (): Promise<void> => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    draining ??= drain().finally(() => {
      draining = null;
      // noted between its last look and now
      if (queue.length > 0) schedule();
    });
    return draining;
  };
  const schedule = (): void => {
    timer ??= setTimeout(() => void flush(), limits.flushMs);
  };

  const take = (
    logging: Logging,
    requestId: string,
    request: ReadRequest,
    result: ReadResult,
    actor: string,
  ): void => {
    const count = result.entities.length;
    if (count === 0) return;
    if (logging.codec === null) return dropped(logging.service, 'schema', count);
    // Whole or not at all; one that is larger than the buffer has it to itself.
    if (rows > 0 && rows + count > limits.bufferRows)
      return dropped(logging.service, 'full', count);
    queue.push({
      logging,
      versions: dependencies.versions(logging.service),
      requestId,
      actor,
      request: request.request,
      result,
    });
    rows += count;
    if (rows >= limits.batchRows) void flush();
    else if (draining === null) schedule();
  };

  let followed: readonly Loggable[] = [];
  const follow = async (services: readonly Loggable[]): Promise<void> => {
    followed = services;
    const next = new Map<string, Logging>();
    for (const { columns, sample } of services) {
      const { service } = columns;
      const made = await openTopic(columns, followAgain);
      if (sample !== null && sample > 0)
        next.set(service, { service, topic: featureLogTopic(service), share: sample, ...made });
    }
    if (followed === services && closeBy === null) active = next;
  };
  const followAgain = (): void => {
    again ??= setTimeout(() => {
      again = null;
      if (closeBy === null) void follow(followed);
    }, FOLLOW_AGAIN_MS);
  };

  return {
    note(request, result, caller) {
      const logging = active.get(request.service as string);
      if (logging === undefined || request.at !== undefined || request.known !== undefined) return;
      const requestId = caller.requestId ?? `${producer}-${unnamed++}`;
      if (!isSampled(requestId, logging.share)) return;
      take(logging, requestId, request, result, caller.actor);
    },
    follow,
    async flush() {
      await draining;
      await flush();
    },
    async close() {
      active = new Map();
      closeBy = Date.now() + limits.closeMs;
      if (again !== null) clearTimeout(again);
      await draining;
      await flush();
    },
  };
};
