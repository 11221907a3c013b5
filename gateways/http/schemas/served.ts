/** The feature log: the logged answers of a service. */
import { type Static, Type } from 'typebox';
import type { FeatureLogRow } from '#domain/feature-log/feature-log-record.ts';
import type { EntityKey, FeatureStatus } from '#domain/plan/plan.ts';
import type { Row, Value } from '#domain/values/value.ts';
import { closed, epoch, nullable, record, shapeOf } from './shapes.ts';

export const servedQuery = closed({ request: Type.String() });
export type ServedQuery = Static<typeof servedQuery>;

export const featureLogRows = shapeOf<readonly FeatureLogRow[]>()(
  Type.Array(
    Type.Object({
      requestId: Type.String(),
      row: Type.Integer(),
      rows: Type.Integer(),
      actor: Type.String(),
      serviceVersion: Type.Integer(),
      sample: Type.Number(),
      at: epoch,
      known: epoch,
      entity: record<EntityKey>(),
      request: record<Row>(),
      views: Type.Array(
        Type.Object({
          view: Type.String(),
          version: Type.Integer(),
          generation: Type.Integer(),
          position: Type.String(),
          completeThrough: nullable(epoch),
        }),
      ),
      onDemand: Type.Array(Type.Object({ name: Type.String(), version: Type.Integer() })),
      values: record<Record<string, Value>>(),
      status: record<Record<string, FeatureStatus>>(),
      position: Type.String(),
      logTime: epoch,
    }),
  ),
);
