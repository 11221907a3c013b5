import { type Static, Type } from 'typebox';
import type { PublishResult, SnapshotResult, TakenSnapshot } from '#domain/api/publishing.ts';
import type { ErrorCode, ErrorDetails } from '#domain/errors.ts';
import { ACTOR } from '#gateways/shared/caller.ts';
import { closed, nullable, record, shapeOf, textOf } from './shapes.ts';

export const publishBody = closed({ events: Type.Array(Type.Unknown()) });
export type PublishBody = Static<typeof publishBody>;

export const publishHeaders = Type.Object({
  'millrace-producer': Type.Optional(Type.String()),
  'millrace-sequence': Type.Optional(Type.String()),
  [ACTOR]: Type.Optional(Type.String()),
});

export const importQuery = closed({ reason: Type.Optional(Type.String({ maxLength: 1000 })) });
export type ImportQuery = Static<typeof importQuery>;

export const publishResult = shapeOf<PublishResult>()(
  Type.Object({
    accepted: Type.Integer(),
    duplicates: Type.Integer(),
    rejected: Type.Array(
      Type.Object({
        index: Type.Integer(),
        code: textOf<ErrorCode>(),
        field: Type.Optional(Type.String()),
        message: Type.String(),
        details: Type.Optional(record<ErrorDetails>()),
      }),
    ),
    position: Type.String(),
  }),
);

export const snapshotQuery = Type.Object({
  time: Type.Optional(Type.String()),
  force: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
});
export type SnapshotQuery = Static<typeof snapshotQuery>;

const snapshotCounts = {
  time: Type.Integer(),
  added: Type.Integer(),
  changed: Type.Integer(),
  unchanged: Type.Integer(),
  gone: Type.Integer(),
};

export const snapshotResult = shapeOf<SnapshotResult>()(
  Type.Object({ ...snapshotCounts, position: Type.String() }),
);

export const snapshotsTaken = Type.Object({
  snapshots: Type.Array(
    shapeOf<TakenSnapshot>()(
      Type.Object({
        ...snapshotCounts,
        takenAt: Type.Integer(),
        actor: Type.String(),
        reason: nullable(Type.String()),
      }),
    ),
  ),
});

export const producerSequence = Type.Object({ next: Type.Integer() });
