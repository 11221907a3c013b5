/** Erasures: what is requested, and how far it is. */
import { type Static, Type } from 'typebox';
import type { ErasureRequest, ErasureStatus } from '#domain/api/erasures.ts';
import type { ErasureCertificate, SignedCertificate } from '#domain/erasure/certificate.ts';
import type { EntityTexts } from '#domain/erasure/scope.ts';
import { closed, epoch, nullable, oneOf, record, shapeOf } from './shapes.ts';

const entity = Type.Unsafe<EntityTexts>(
  Type.Record(Type.String(), Type.String(), {
    description: 'every key of the entity, its value as text',
  }),
);

export const erasureBody = shapeOf<ErasureRequest>()(
  closed({
    entity,
    reason: Type.String({
      description: 'it stays in the audit log, so it must not name the entity',
    }),
  }),
);
export type ErasureBody = Static<typeof erasureBody>;

export const erasureStatus = shapeOf<ErasureStatus>()(
  Type.Object({
    id: Type.String(),
    state: oneOf('waiting', 'running', 'done', 'failed'),
    digest: Type.String({ description: 'names the entity, without its key' }),
    keyNames: Type.Array(Type.String()),
    entity: nullable(entity),
    reason: nullable(Type.String()),
    at: epoch,
    endedAt: nullable(epoch),
    error: nullable(Type.Object({ code: Type.String(), message: Type.String() })),
  }),
);
export const erasureList = Type.Array(erasureStatus);
export const certificate = shapeOf<SignedCertificate>()(
  Type.Object({
    certificate: Type.Unsafe<ErasureCertificate>(record()),
    signature: nullable(
      Type.Object(
        { algorithm: oneOf('HMAC-SHA256', 'Ed25519'), value: Type.String() },
        { description: 'base64, over the certificate as JSON without spaces; null: no key' },
      ),
    ),
  }),
);
