import { type Static, Type } from 'typebox';
import type { ReplayComparison, ReplayRequest, ReplayStatus } from '#domain/api/replays.ts';
import type { EntityKey } from '#domain/plan/plan.ts';
import type { Value } from '#domain/values/value.ts';
import {
  anything,
  closed,
  epoch,
  nullable,
  oneOf,
  record,
  shapeOf,
  time,
  type WithTimes,
} from './shapes.ts';

export const replayBody = shapeOf<WithTimes<ReplayRequest, 'from' | 'to'>>()(
  closed({
    view: Type.String(),
    from: Type.Optional(time),
    to: Type.Optional(time),
    reason: Type.Optional(Type.String()),
    entities: Type.Optional(Type.Array(record<EntityKey>())),
  }),
);
export type ReplayBody = Static<typeof replayBody>;

/** Of a change whose body may be left out. */
export const reasonBody = closed({ reason: Type.Optional(Type.String()) });
export type ReasonBody = Static<typeof reasonBody>;

export const replayStatus = shapeOf<ReplayStatus>()(
  Type.Object({
    id: Type.String(),
    view: Type.String(),
    version: Type.Integer(),
    generation: Type.Integer(),
    state: oneOf('filling', 'ready', 'promoted', 'rolled-back', 'abandoned', 'retired', 'failed'),
    from: nullable(epoch),
    to: nullable(epoch),
    reason: nullable(Type.String()),
    actor: Type.String(),
    progress: Type.Number(),
    events: Type.Integer(),
    startedAt: epoch,
    finishedAt: nullable(epoch),
    error: nullable(Type.String()),
  }),
);
export const replayStatuses = Type.Array(replayStatus);

const side = Type.Object({
  version: Type.Integer(),
  generation: Type.Integer(),
  entities: Type.Integer(),
});

export const replayComparison = shapeOf<ReplayComparison>()(
  Type.Object({
    id: Type.String(),
    view: Type.String(),
    live: nullable(side),
    candidate: side,
    at: epoch,
    features: Type.Array(
      Type.Object({
        name: Type.String(),
        compared: Type.Integer(),
        differing: Type.Integer(),
        largest: nullable(Type.Number()),
        examples: Type.Array(
          Type.Object({
            entity: record<EntityKey>(),
            live: anything<Value>(),
            candidate: anything<Value>(),
          }),
        ),
      }),
    ),
    onlyLive: Type.Array(Type.String()),
    onlyCandidate: Type.Array(Type.String()),
  }),
);
