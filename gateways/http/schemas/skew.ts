/** Logged answers compared with event-time values. */
import { type Static, Type } from 'typebox';
import type { Kind } from '#domain/definitions/model.ts';
import type { SkewCause, SkewReport } from '#domain/feature-log/skew.ts';
import type { EntityKey } from '#domain/plan/plan.ts';
import type { Value } from '#domain/values/value.ts';
import { anything, closed, epoch, nullable, record, shapeOf, textOf } from './shapes.ts';

export const skewQuery = closed({
  since: Type.Optional(Type.String()),
  until: Type.Optional(Type.String()),
  sample: Type.Optional(Type.String()),
});
export type SkewQuery = Static<typeof skewQuery>;

const counted = Type.Object({ requests: Type.Integer(), rows: Type.Integer() });
const causes = shapeOf<Record<SkewCause, number>>()(
  Type.Object({
    lag: Type.Integer(),
    'left-out': Type.Integer(),
    late: Type.Integer(),
    definition: Type.Integer(),
    unexplained: Type.Integer(),
  }),
);

const example = Type.Object({
  requestId: Type.String(),
  row: Type.Integer(),
  entity: record<EntityKey>(),
  at: epoch,
  known: epoch,
  served: anything<Value>(),
  eventTime: anything<Value>(),
  causes: Type.Array(textOf<SkewCause>()),
  events: Type.Array(
    Type.Object({
      cause: textOf<SkewCause>(),
      position: Type.String(),
      eventTime: epoch,
      logTime: epoch,
    }),
  ),
});

export const skewReport = shapeOf<SkewReport>()(
  Type.Object({
    service: Type.String(),
    known: epoch,
    logged: counted,
    compared: counted,
    incomparable: Type.Integer(),
    views: Type.Array(
      Type.Object({
        view: Type.String(),
        version: Type.Integer(),
        generation: nullable(Type.Integer()),
      }),
    ),
    answeredBy: Type.Array(
      Type.Object({ kind: textOf<Kind>(), name: Type.String(), version: Type.Integer() }),
    ),
    features: Type.Array(
      Type.Object({
        feature: Type.String(),
        compared: Type.Integer(),
        equal: Type.Integer(),
        differing: Type.Integer(),
        share: Type.Number(),
        largest: nullable(Type.Number()),
        mean: nullable(Type.Number()),
        featureLogNull: Type.Integer(),
        eventTimeNull: Type.Integer(),
        causes,
        examples: Type.Array(example),
      }),
    ),
    gone: Type.Array(Type.String()),
    unexplained: Type.Integer(),
  }),
);
