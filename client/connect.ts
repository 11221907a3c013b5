/** A client over gRPC with types from the definitions, deadlines, retries and batching. */
import type { FeatureView } from '#domain/definitions/builders.ts';
import type { FeatureServiceDefinition, SourceDefinition } from '#domain/definitions/model.ts';
import { fail, isTemporary } from '#domain/errors.ts';
import type { EntityKey } from '#domain/plan/plan.ts';
import type { DegradedMode } from '#domain/ports/degraded.ts';
import type { Value } from '#domain/values/value.ts';
import type { FeatureStatus__Output } from '#gateways/grpc/generated/millrace/v1/FeatureStatus.ts';
import type { PublishRequest } from '#gateways/grpc/generated/millrace/v1/PublishRequest.ts';
import type { ReadResponse__Output } from '#gateways/grpc/generated/millrace/v1/ReadResponse.ts';
import { plainOf, structOf } from '#gateways/grpc/struct.ts';
import { createBatcher } from './batcher.ts';
import { createProducer, type Producer } from './producer.ts';
import { DEFAULT_RETRY, type RetryOptions, withRetries } from './retry.ts';
import { openTransport, type TransportOptions } from './transport.ts';
import type { EventOf, Published, ReadOptions, RowOf, Rows, Status } from './types.ts';

export interface ClientOptions extends TransportOptions {
  /** of a call including its retries, ms; default 5,000 */
  readonly deadlineMs?: number;
  readonly retry?: Partial<RetryOptions>;
  /** entities in one request of `row`, at most; default 100 */
  readonly batch?: number;
}

export interface Client {
  /** Values of a view's features; without names, of all its features. */
  readonly view: <Names extends string, Wanted extends Names = Names>(
    view: FeatureView<Names>,
    entities: readonly EntityKey[],
    options?: ReadOptions & { readonly features?: readonly Wanted[] },
  ) => Promise<Rows<Wanted>>;
  readonly service: (
    service: string | FeatureServiceDefinition,
    entities: readonly EntityKey[],
    options?: ReadOptions,
  ) => Promise<Rows>;
  /** "view:feature", or on-demand features by name */
  readonly features: (
    features: readonly string[],
    entities: readonly EntityKey[],
    options?: ReadOptions,
  ) => Promise<Rows>;
  /** One entity's row. Reads made in one turn of the event loop are sent as one request. */
  readonly row: <Names extends string>(
    view: FeatureView<Names>,
    entity: EntityKey,
  ) => Promise<RowOf<Names>>;
  /**
   * Without retries: if the answer is lost, the batch may or may not have been accepted. Use a
   * `producer` for retries.
   */
  readonly publish: <S extends SourceDefinition>(
    source: S,
    events: readonly EventOf<S>[],
  ) => Promise<Published>;
  /** @param id the same after a restart of the program; used by one program at a time */
  readonly producer: <S extends SourceDefinition>(
    source: S,
    id: string,
  ) => Producer<EventOf<S> & object>;
  readonly close: () => void;
}

const DEFAULT_DEADLINE_MS = 5000;
const DEFAULT_BATCH = 100;

const STATUS: Readonly<Record<FeatureStatus__Output, Status>> = {
  PRESENT: 'present',
  NULL: 'null',
  NOT_FOUND: 'not-found',
  EXPIRED: 'expired',
  OVERFLOW: 'overflow',
};

/** @param names the properties of a row: the answer's feature names, or shorter ones */
const rowsOf = <Names extends string>(
  answer: ReadResponse__Output,
  names: readonly string[],
): Rows<Names> => {
  const present = names.map((): Status => 'present');
  return {
    features: answer.features,
    rows: answer.rows.map(
      ({ values }) =>
        Object.fromEntries(
          names.map((name, i) => [name, plainOf(values[i]) as Value]),
        ) as RowOf<Names>,
    ),
    status: answer.rows.map(({ statuses }) =>
      statuses.length === 0 ? present : statuses.map((one) => STATUS[one]),
    ),
    views: answer.views.map(
      ({
        view,
        version,
        generation,
        eventTime,
        position,
        completeThrough,
        _eventTime,
        _completeThrough,
      }) => ({
        view,
        version,
        generation,
        eventTime: _eventTime === undefined ? null : (eventTime as number),
        position,
        completeThrough: _completeThrough === undefined ? null : (completeThrough as number),
      }),
    ),
    at: answer.at,
    known: answer.known,
    degraded: answer.degraded as readonly DegradedMode[],
  };
};

export const connect = (options: ClientOptions): Client => {
  const transport = openTransport(options);
  const deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
  const retry = { ...DEFAULT_RETRY, ...options.retry };

  const read = (
    what: { readonly service: string } | { readonly features: readonly string[] },
    entities: readonly EntityKey[],
    { at, known, after, request = [], deadlineMs: own = deadlineMs }: ReadOptions,
  ): Promise<ReadResponse__Output> => {
    const message = {
      ...('service' in what ? what : { features: [...what.features] }),
      entities: entities.map(structOf),
      request: request.map(structOf),
      ...(at === undefined ? {} : { at }),
      ...(known === undefined ? {} : { known }),
      ...(after === undefined ? {} : { after }),
    };
    return withRetries((deadline) => transport.read(message, deadline), isTemporary, own, retry);
  };

  const ofView = async <Names extends string>(
    view: FeatureView,
    names: readonly string[],
    entities: readonly EntityKey[],
    readOptions: ReadOptions,
  ): Promise<Rows<Names>> => {
    if (names.length === 0)
      fail('MR_PARAMETER_INVALID', `no feature of view "${view.name}" is asked for`, {
        view: view.name,
      });
    const features = names.map((name) => `${view.name}:${name}`);
    return rowsOf<Names>(await read({ features }, entities, readOptions), names);
  };

  const views = new Map<string, FeatureView>();
  const rowOf = createBatcher<RowOf<string>>(async (name, entities) => {
    const view = views.get(name) as FeatureView;
    return (await ofView(view, Object.keys(view.features), entities, {})).rows;
  }, options.batch ?? DEFAULT_BATCH);

  const send = async (message: PublishRequest, again: boolean): Promise<Published> => {
    const sent = withRetries(
      (deadline) => transport.publish(message, deadline),
      (error) => again && isTemporary(error),
      deadlineMs,
      retry,
    );
    const { accepted, duplicates, rejected, position } = await sent;
    return { accepted, duplicates, rejected, position };
  };

  return {
    view: (view, entities, readOptions = {}) =>
      ofView(
        view as unknown as FeatureView,
        readOptions.features ?? Object.keys(view.features),
        entities,
        readOptions,
      ),
    async service(service, entities, readOptions = {}) {
      const answer = await read(
        { service: typeof service === 'string' ? service : service.name },
        entities,
        readOptions,
      );
      return rowsOf(answer, answer.features);
    },
    async features(features, entities, readOptions = {}) {
      return rowsOf(await read({ features }, entities, readOptions), features);
    },
    row(view, entity) {
      views.set(view.name, view as unknown as FeatureView);
      return rowOf(view.name, entity) as Promise<never>;
    },
    publish: (source, events) =>
      send({ source: source.name, events: events.map((event) => structOf(event)) }, false),
    producer: (source, id) =>
      createProducer({
        async next() {
          const wanted = { source: source.name, producer: id };
          return (
            await withRetries(
              (deadline) => transport.producerSequence(wanted, deadline),
              isTemporary,
              deadlineMs,
              retry,
            )
          ).next;
        },
        send: (events, sequence) =>
          send(
            {
              source: source.name,
              events: events.map((event) => structOf(event as Readonly<Record<string, unknown>>)),
              producer: id,
              sequence,
            },
            true,
          ),
      }),
    close: transport.close,
  };
};
