import { type Static, Type } from 'typebox';
import type {
  ExplainedInput,
  Explanation,
  OnDemandExplanation,
  ViewExplanation,
} from '#domain/api/serving.ts';
import type { EntityKey, FeatureStatus } from '#domain/plan/plan.ts';
import type { Row, Value } from '#domain/values/value.ts';
import { anything, epoch, nullable, oneOf, record, shapeOf, textOf } from './shapes.ts';

/** Besides these, one `entity.<key>` for each key and one `request.<name>` for each input. */
export const explainQuery = Type.Object(
  {
    view: Type.Optional(
      Type.String({ description: 'absent: `feature` is the name of an on-demand feature' }),
    ),
    feature: Type.String(),
    at: Type.Optional(Type.String()),
    known: Type.Optional(Type.String()),
  },
  { additionalProperties: false, patternProperties: { '^(entity|request)\\..+$': Type.String() } },
);
export type ExplainQuery = Static<typeof explainQuery> & Readonly<Record<string, string>>;

const explained = {
  feature: Type.String(),
  entity: record<EntityKey>(),
  at: epoch,
  known: epoch,
  value: anything<Value>(),
  status: textOf<FeatureStatus>(),
  type: Type.String({ description: 'it ends with "?" if a read can answer null' }),
  version: Type.Integer(),
  definition: Type.Unsafe<unknown>(record()),
  recomputed: anything<Value>(),
  matches: Type.Boolean(),
};

const viewExplanation = shapeOf<ViewExplanation>()(
  Type.Object({
    view: Type.String(),
    ...explained,
    generation: Type.Integer(),
    window: nullable(Type.String({ description: 'duration; null: all time' })),
    hop: nullable(Type.String({ description: 'duration, the default included' })),
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
  }),
);

const onDemandExplanation = shapeOf<OnDemandExplanation>()(
  Type.Object({
    ...explained,
    request: record<Row>(),
    expression: Type.String(),
    inputs: Type.Array(
      shapeOf<ExplainedInput>()(
        Type.Object({
          parameter: Type.String(),
          from: oneOf('feature', 'on-demand', 'request'),
          name: Type.String(),
          type: Type.String(),
          value: anything<Value>(),
          explanation: Type.Unsafe<Explanation | null>({
            type: 'object',
            nullable: true,
            description: 'an explanation like this answer; null: a request input, or given above',
          }),
        }),
      ),
    ),
  }),
);

export const explanation = Type.Unsafe<Explanation>({
  oneOf: [viewExplanation, onDemandExplanation],
});
