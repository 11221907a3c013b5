import { type Static, Type } from 'typebox';
import type { AuditPage, AuditVerification } from '#domain/api/audit.ts';
import type { AuditHead } from '#domain/ports/audit-store.ts';
import { registryEvent } from './registry.ts';
import { closed, epoch, nullable, oneOf, shapeOf } from './shapes.ts';

const text = Type.Optional(Type.String());

export const auditQuery = closed({
  since: text,
  until: text,
  actor: text,
  subject: text,
  kind: text,
  after: text,
  limit: text,
});
export type AuditQuery = Static<typeof auditQuery>;

export const verifyQuery = closed({ head: text, publicKey: text, signedFrom: text });
export type VerifyQuery = Static<typeof verifyQuery>;

export const auditHead = shapeOf<AuditHead>()(
  Type.Object({ sequence: Type.Integer(), hash: Type.String() }),
);

export const auditPublicKey = shapeOf<{ readonly publicKey: string | null }>()(
  Type.Object({ publicKey: nullable(Type.String()) }),
);

export const auditPage = shapeOf<AuditPage>()(
  Type.Object({
    records: Type.Array(
      Type.Object({
        sequence: Type.Integer(),
        time: epoch,
        actor: Type.String(),
        principal: Type.Optional(Type.String()),
        command: Type.String(),
        subject: Type.String(),
        reason: nullable(Type.String()),
        outcome: oneOf('accepted', 'refused'),
        refusal: nullable(Type.Object({ code: Type.String(), message: Type.String() })),
        events: Type.Array(registryEvent),
        commandHash: Type.Optional(Type.String()),
        hash: Type.String(),
        previous: Type.String(),
        signature: Type.Optional(Type.String()),
      }),
    ),
    next: nullable(Type.Integer()),
  }),
);

/** The properties of both outcomes. */
type Verification = Pick<AuditVerification, 'ok' | 'records'> &
  Partial<Omit<Extract<AuditVerification, { ok: true }>, 'ok' | 'records'>> &
  Partial<Omit<Extract<AuditVerification, { ok: false }>, 'ok' | 'records'>>;

export const auditVerification = shapeOf<Verification>()(
  Type.Object({
    ok: Type.Boolean(),
    records: Type.Integer(),
    head: Type.Optional(Type.String()),
    signedFrom: Type.Optional(Type.Integer()),
    firstBad: Type.Optional(Type.Integer()),
    message: Type.Optional(Type.String()),
  }),
);
