import { optionalTime, optionalWholeNumber, pageLimit } from '#gateways/shared/parameters.ts';
import { callerOf } from '../caller.ts';
import { compact } from '../compact.ts';
import type { RouteModule } from '../route-module.ts';
import { type AuditQuery, auditPage, auditQuery, auditVerification } from '../schemas/audit.ts';
import { answers } from '../schemas/shapes.ts';

export const auditRoutes: RouteModule = {
  name: 'audit',
  prefix: '/v1/audit',
  register(app, { platform }) {
    app.get<{ Querystring: AuditQuery }>(
      '/v1/audit',
      {
        schema: {
          tags: ['audit'],
          summary: 'Who did what, newest last; `next` is the `after` of the next page',
          querystring: auditQuery,
          response: answers(200, auditPage),
        },
      },
      (request) => {
        const { since, until, after, limit, ...exact } = request.query;
        const range = { since: optionalTime('since', since), until: optionalTime('until', until) };
        const page = compact({
          ...range,
          after: optionalWholeNumber('after', after),
          limit: pageLimit(limit),
        });
        return platform.audit.log({ ...exact, ...page }, callerOf(request));
      },
    );
    app.get(
      '/v1/audit/verify',
      {
        schema: {
          tags: ['audit'],
          summary: 'Whether the hash chain of the audit log is complete',
          response: answers(200, auditVerification),
        },
      },
      (request) => platform.audit.verify(callerOf(request)),
    );
  },
};
