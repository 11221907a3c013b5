import type { FastifyRequest } from 'fastify';
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
    const decision = (summary: string) => ({
      schema: {
        tags: ['approvals'],
        summary,
        body: reasonBody,
        response: answers(200, proposal),
      },
      preValidation: async (request: FastifyRequest) => {
        request.body ??= {};
      },
    });
    app.post<OfProposal & { Body: ReasonBody }>(
      '/v1/approvals/:id/approve',
      decision('Approve a proposal of somebody else, and carry it out'),
      (request) => platform.approvals.approve(request.params.id, request.body, callerOf(request)),
    );
    app.post<OfProposal & { Body: ReasonBody }>(
      '/v1/approvals/:id/refuse',
      decision('Refuse a proposal, or withdraw one’s own'),
      (request) => platform.approvals.refuse(request.params.id, request.body, callerOf(request)),
    );
  },
};
