import { optionalWholeNumber, pageLimit } from '#gateways/shared/parameters.ts';
import { callerOf } from '../caller.ts';
import { compact } from '../compact.ts';
import type { RouteModule } from '../route-module.ts';
import {
  type LineageQuery,
  lineageEvents,
  lineageGraph,
  lineageQuery,
} from '../schemas/lineage.ts';
import { type PageQuery, pageQuery } from '../schemas/pages.ts';
import { answers } from '../schemas/shapes.ts';

export const lineageRoutes: RouteModule = {
  name: 'lineage',
  prefix: '/v1/lineage',
  register(app, { platform }) {
    app.get<{ Querystring: LineageQuery }>(
      '/v1/lineage',
      {
        schema: {
          tags: ['registry'],
          summary: 'Which definitions are made from which',
          querystring: lineageQuery,
          response: answers(200, lineageGraph),
        },
      },
      (request) => {
        const { name, asOf } = request.query;
        return platform.registry.lineage(name, callerOf(request), asOf);
      },
    );
    app.get<{ Querystring: PageQuery }>(
      '/v1/lineage/events',
      {
        schema: {
          tags: ['registry'],
          summary: 'OpenLineage events, oldest first; `next` is the `after` of the next page',
          querystring: pageQuery,
          response: answers(200, lineageEvents),
        },
      },
      (request) => {
        const after = optionalWholeNumber('after', request.query.after);
        const limit = pageLimit(request.query.limit);
        return platform.registry.lineageEvents(compact({ after, limit }), callerOf(request));
      },
    );
  },
};
