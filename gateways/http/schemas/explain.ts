import { type Static, Type } from 'typebox';
import type { Explanation } from '#domain/api/serving.ts';
import type { EntityKey, FeatureStatus } from '#domain/plan/plan.ts';
import type { Row, Value } from '#domain/values/value.ts';
import { anything, epoch, nullable, record, shapeOf, textOf } from './shapes.ts';

/** Besides these, one `entity.<key>` for each key of the entity. */
export const explainQuery = Type.Object(
  {
    view: Type.String(),
    feature: Type.String(),
    at: Type.Optional(Type.String()),
    known: Type.Optional(Type.String()),
  },
  { additionalProperties: false, patternProperties: { '^entity\\..+$': Type.String() } },
);
export type ExplainQuery = Static<typeof explainQuery> & Readonly<Record<string, string>>;

export const explanation = shapeOf<Explanation>()(
  Type.Object({
    view: Type.String(),
    feature: Type.String(),
    entity: record<EntityKey>(),
    at: epoch,
    known: epoch,
    value: anything<Value>(),
    status: textOf<FeatureStatus>(),
    version: Type.Integer(),
    generation: Type.Integer(),
    definition: Type.Unsafe<unknown>(record()),
    covers: Type.Object({ from: nullable(epoch), to: epoch }),
    tiles: Type.Array(
      Type.Object({
        start: epoch,
        end: nullable(epoch),
        newestEventTime: epoch,
        state: Type.Unknown(),
      }),
    ),
    updates: Type.Array(
      Type.Object({
        position: Type.String(),
        logTime: epoch,
        tileStart: epoch,
        cause: Type.String(),
      }),
    ),
    events: Type.Array(
      Type.Object({
        position: Type.String(),
        eventTime: epoch,
        logTime: epoch,
        importedKnownTime: nullable(epoch),
        row: record<Row>(),
        counted: Type.Boolean(),
        why: nullable(Type.String()),
      }),
    ),
    eventsTotal: Type.Integer(),
    recomputed: anything<Value>(),
    matches: Type.Boolean(),
  }),
);
