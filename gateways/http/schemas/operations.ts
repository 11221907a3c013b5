/** The state of the platform: status, freshness, late events, readiness. */
import { Type } from 'typebox';
import type {
  EngineJob,
  LateReport,
  PlatformStatus,
  ReadsByStore,
  ViewFreshness,
} from '#domain/api/operations.ts';
import type { EntityKey } from '#domain/plan/plan.ts';
import { replayStatuses } from './replays.ts';
import { degradedModes, epoch, nullable, oneOf, record, shapeOf } from './shapes.ts';

export const lateReport = shapeOf<LateReport>()(
  Type.Object({
    view: Type.String(),
    total: Type.Integer(),
    records: Type.Array(
      Type.Object({
        position: Type.String(),
        logTime: epoch,
        eventTime: epoch,
        lateBy: Type.Integer(),
        generation: Type.Integer(),
        entity: record<EntityKey>(),
      }),
    ),
  }),
);

export const freshnessReport = shapeOf<readonly ViewFreshness[]>()(
  Type.Array(
    Type.Object({
      view: Type.String(),
      generation: Type.Integer(),
      eventTime: nullable(epoch),
      lagMs: nullable(Type.Integer()),
      target: nullable(Type.String()),
      fresh: nullable(Type.Boolean()),
    }),
  ),
);

const engineJob = shapeOf<EngineJob>()(
  Type.Object({
    name: Type.String(),
    state: Type.String(),
    doing: Type.Optional(Type.String()),
    restarts: Type.Integer(),
    failure: nullable(Type.String()),
    checkpointAt: nullable(epoch),
  }),
);

const readsByStore = shapeOf<ReadsByStore>()(
  Type.Object({ cache: Type.Integer(), durable: Type.Integer(), history: Type.Integer() }),
);

export const platformStatus = shapeOf<PlatformStatus>()(
  Type.Object({
    profile: Type.String(),
    version: Type.String(),
    startedAt: epoch,
    dataDirectory: Type.String(),
    memoryBytes: Type.Integer(),
    sources: Type.Array(
      Type.Object({
        source: Type.String(),
        events: Type.Integer(),
        rejected: Type.Integer(),
        position: Type.String(),
        historyPosition: Type.String(),
        historyError: nullable(Type.String()),
        newestEventTime: nullable(epoch),
        historyBytes: nullable(Type.Integer()),
        historyRows: nullable(Type.Integer()),
        historyHorizon: nullable(epoch),
        kept: Type.Optional(Type.Object({ events: Type.Integer(), oldest: nullable(epoch) })),
      }),
    ),
    views: Type.Array(
      Type.Object({
        view: Type.String(),
        version: Type.Integer(),
        generation: nullable(Type.Integer()),
        state: oneOf('live', 'filling', 'stalled'),
        readable: Type.Boolean(),
        entities: Type.Integer(),
        tiles: Type.Integer(),
        late: Type.Integer(),
        eventTime: nullable(epoch),
        position: Type.String(),
        lag: Type.Integer(),
        error: nullable(Type.String()),
        job: Type.Optional(engineJob),
      }),
    ),
    replays: replayStatuses,
    jobs: Type.Optional(Type.Array(engineJob)),
    readsByStore: Type.Optional(readsByStore),
    degraded: Type.Optional(degradedModes),
    storage: Type.Optional(
      Type.Object({
        logBytes: Type.Integer(),
        logFreeBytes: Type.Integer(),
        historyBytes: Type.Integer(),
      }),
    ),
  }),
);

export const liveness = Type.Object({ status: oneOf('ok') });
export const readiness = Type.Object({
  status: oneOf('ready'),
  degraded: Type.Optional(degradedModes),
});
