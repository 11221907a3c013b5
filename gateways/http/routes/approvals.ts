import { callerOf } from '../caller.ts';
import type { RouteModule } from '../route-module.ts';
import {
  approvalList,
  proposal,
  type RequirementBody,
  requirement,
  requirementBody,
} from '../schemas/approvals.ts';
import { type ReasonBody, reasonBody } from '../schemas/replays.ts';
import { answers } from '../schemas/shapes.ts';

type OfProposal = { Params: { id: string } };

export const approvalRoutes: RouteModule = {
  name: 'approvals',
  prefix: '/v1/approvals',
  register(app, { platform }) {
    const schema = (summary: string, answer: object) => ({
      schema: { tags: ['approvals'], summary, response: answers(200, answer) },
    });
    app.get(
      '/v1/approvals',
      schema('What needs approval, and the proposals', approvalList),
      (request) => platform.approvals.list(callerOf(request)),
    );
    app.get<OfProposal>(
      '/v1/approvals/:id',
      schema('A proposal with its request and its plan', proposal),
      (request) => platform.approvals.get(request.params.id, callerOf(request)),
    );
    app.post<{ Body: RequirementBody }>(
      '/v1/approvals/require',
      {
        schema: {
          tags: ['approvals'],
          summary: 'Say what needs approval in a namespace; less than before needs approval itself',
          body: requirementBody,
          response: answers(200, requirement),
        },
      },
      (request) => platform.approvals.require(request.body, callerOf(request)),
    );
    for (const action of ['approve', 'refuse'] as const)
      app.post<OfProposal & { Body: ReasonBody }>(
        `/v1/approvals/:id/${action}`,
        {
          schema: {
            tags: ['approvals'],
            summary:
              action === 'approve'
                ? 'Approve a proposal of somebody else, and carry it out'
                : 'Refuse a proposal, or withdraw one’s own',
            body: reasonBody,
            response: answers(200, proposal),
          },
          preValidation: async (request) => {
            request.body ??= {};
          },
        },
        (request) => platform.approvals[action](request.params.id, request.body, callerOf(request)),
      );
  },
};
