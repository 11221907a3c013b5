/** Approvals: what needs a second person, and what waits for one. */
import { type Static, Type } from 'typebox';
import type { RequirementRequest } from '#domain/api/approvals.ts';
import type { Person } from '#domain/approval/proposal.ts';
import { MATTERS, type Requirement } from '#domain/approval/requirements.ts';
import { closed, epoch, nullable, oneOf, record, shapeOf } from './shapes.ts';

export const requirementBody = shapeOf<RequirementRequest>()(
  closed({
    namespace: Type.String({ description: 'a namespace, or * for all' }),
    for: Type.Array(Type.String(), {
      description: `all that shall need approval: ${MATTERS.join(', ')}; empty: nothing`,
    }),
    validMs: Type.Optional(
      Type.Integer({
        description:
          'how long a proposal can be approved, from an hour to 90 days; absent: as it is, which is 7 days at first',
      }),
    ),
    reason: Type.Optional(Type.String()),
  }),
);
export type RequirementBody = Static<typeof requirementBody>;

export const requirement = shapeOf<Requirement>()(
  Type.Object({
    namespace: Type.String(),
    for: Type.Array(oneOf(...MATTERS)),
    validMs: Type.Optional(Type.Integer()),
  }),
);

const person = shapeOf<Person>()(
  Type.Object({ actor: Type.String(), principal: Type.String({ description: 'its id' }) }),
);

const summary = {
  id: Type.String(),
  matter: oneOf(...MATTERS, 'requirements'),
  namespaces: Type.Array(Type.String(), { description: 'those that require the approval' }),
  status: oneOf('open', 'approved', 'refused', 'done', 'failed', 'expired'),
  reason: nullable(Type.String()),
  by: person,
  at: epoch,
  expiresAt: epoch,
  decided: nullable(Type.Object({ by: person, reason: nullable(Type.String()), at: epoch })),
  error: nullable(Type.Object({ code: Type.String(), message: Type.String() })),
};

export const approvalList = Type.Object({
  requirements: Type.Array(requirement),
  proposals: Type.Array(Type.Object(summary)),
});
export const proposal = Type.Object({ ...summary, request: record(), plan: record() });
