import { type Static, Type } from 'typebox';
import type { RejectedPage } from '#domain/api/publishing.ts';
import { closed, epoch, nullable, shapeOf } from './shapes.ts';

export const resendBody = closed({
  positions: Type.Array(Type.String()),
  events: Type.Optional(Type.Array(Type.Unknown())),
});
export type ResendBody = Static<typeof resendBody>;

export const rejectedPage = shapeOf<RejectedPage>()(
  Type.Object({
    total: Type.Integer(),
    records: Type.Array(
      Type.Object({
        position: Type.String(),
        logTime: epoch,
        code: Type.String(),
        field: nullable(Type.String()),
        message: Type.String(),
        event: Type.Unknown(),
        resent: nullable(Type.Object({ at: epoch, by: Type.String() })),
      }),
    ),
    next: nullable(Type.String()),
  }),
);
