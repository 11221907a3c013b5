import { callerOf } from '../caller.ts';
import { compact } from '../compact.ts';
import { optionalTime, optionalWholeNumber, pageLimit } from '../parameters.ts';
import type { Routes } from '../route.ts';
import { answers, auditPage, auditVerification, closed, text } from '../schemas.ts';

type AuditParameters = Partial<
  Record<'since' | 'until' | 'actor' | 'subject' | 'kind' | 'after' | 'limit', string>
>;

export const auditRoutes: Routes = (app, { platform }) => {
  app.get<{ Querystring: AuditParameters }>(
    '/v1/audit',
    {
      schema: {
        tags: ['audit'],
        summary: 'Who did what, newest last; `next` is the `after` of the next page',
        querystring: closed({
          since: text,
          until: text,
          actor: text,
          subject: text,
          kind: text,
          after: text,
          limit: text,
        }),
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
        summary: 'Is the chain of audit records whole',
        response: answers(200, auditVerification),
      },
    },
    (request) => platform.audit.verify(callerOf(request)),
  );
};
