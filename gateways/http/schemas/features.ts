import { type Static, Type } from 'typebox';
import type { ReadRequest, ReadResult } from '#domain/api/serving.ts';
import type { EntityKey } from '#domain/plan/plan.ts';
import type { Row, Value } from '#domain/values/value.ts';
import {
  closed,
  degradedModes,
  epoch,
  nullable,
  oneOf,
  record,
  shapeOf,
  time,
  type WithTimes,
} from './shapes.ts';

export const readBody = shapeOf<WithTimes<Omit<ReadRequest, 'origins'>, 'at' | 'known'>>()(
  closed({
    service: Type.Optional(Type.String()),
    features: Type.Optional(Type.Array(Type.String())),
    entities: Type.Array(record<EntityKey>()),
    request: Type.Optional(Type.Array(record<Row>())),
    at: Type.Optional(time),
    known: Type.Optional(time),
    after: Type.Optional(Type.String()),
    waitMs: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: 'how long the read may wait for `after`, ms; at most five seconds',
      }),
    ),
  }),
);
export type ReadBody = Static<typeof readBody>;

/** Each row has the entity's keys and the features by name, where the domain has two lists. */
type ReadAnswer = Omit<ReadResult, 'values' | 'entities' | 'origins'> & {
  readonly rows: readonly Readonly<Record<string, Value>>[];
};

export const readResult = shapeOf<ReadAnswer>()(
  Type.Object({
    rows: Type.Array(record<Record<string, Value>>(), {
      description:
        'keys and values; null where the status says so, which the type of the feature in the catalog shows by "?"',
    }),
    status: Type.Array(Type.Array(oneOf('present', 'null', 'not-found', 'expired', 'overflow'))),
    features: Type.Array(Type.String()),
    views: Type.Array(
      Type.Object({
        view: Type.String(),
        version: Type.Integer(),
        generation: Type.Integer(),
        eventTime: nullable(epoch),
        position: Type.String(),
        completeThrough: nullable(
          Type.Integer({
            description: 'epoch ms: every event that the log had accepted by then is in the values',
          }),
        ),
      }),
    ),
    at: epoch,
    known: epoch,
    degraded: Type.Optional(degradedModes),
  }),
);
