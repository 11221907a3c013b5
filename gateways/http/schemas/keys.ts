import { type Static, Type } from 'typebox';
import type { CreatedKey, KeyInfo, KeyRequest } from '#domain/api/keys.ts';
import type { AccessLimits } from '#domain/authorization/principal.ts';
import { closed, epoch, nullable, shapeOf, time, type WithTimes } from './shapes.ts';

const limits = shapeOf<AccessLimits>()(
  closed({
    requestsPerSecond: Type.Optional(Type.Integer()),
    burst: Type.Optional(Type.Integer()),
    eventsPerDay: Type.Optional(Type.Integer()),
    rowsPerDay: Type.Optional(Type.Integer()),
  }),
);

export const keyBody = shapeOf<WithTimes<KeyRequest, 'expiresAt'>>()(
  closed({
    name: Type.String(),
    grants: Type.Array(Type.String()),
    limits: Type.Optional(limits),
    expiresAt: Type.Optional(time),
    reason: Type.Optional(Type.String()),
    replaces: Type.Optional(Type.String()),
  }),
);
export type KeyBody = Static<typeof keyBody>;

const info = {
  id: Type.String(),
  name: Type.String(),
  grants: Type.Array(Type.String()),
  limits,
  createdAt: epoch,
  createdBy: Type.String(),
  expiresAt: nullable(epoch),
  revokedAt: nullable(epoch),
  revokedBy: nullable(Type.String()),
  replaces: Type.Optional(Type.String()),
};
export const keyInfo = shapeOf<KeyInfo>()(Type.Object(info));
export const keyInfos = Type.Array(keyInfo);
export const createdKey = shapeOf<CreatedKey>()(Type.Object({ ...info, key: Type.String() }));
