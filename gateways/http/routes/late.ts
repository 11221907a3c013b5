import { pageLimit } from '#gateways/shared/parameters.ts';
import { callerOf } from '../caller.ts';
import { compact } from '../compact.ts';
import type { RouteModule } from '../route-module.ts';
import { lateReport } from '../schemas/operations.ts';
import { type LimitQuery, limitQuery } from '../schemas/pages.ts';
import { answers } from '../schemas/shapes.ts';

export const lateRoutes: RouteModule = {
  name: 'late',
  prefix: '/v1/late',
  register(app, { platform }) {
    app.get<{ Params: { view: string }; Querystring: LimitQuery }>(
      '/v1/late/:view',
      {
        schema: {
          tags: ['rejected and late'],
          summary: 'Events that came too late for a view that bounds its lateness',
          querystring: limitQuery,
          response: answers(200, lateReport),
        },
      },
      (request) =>
        platform.operations.late(
          request.params.view,
          compact({ limit: pageLimit(request.query.limit) }),
          callerOf(request),
        ),
    );
  },
};
