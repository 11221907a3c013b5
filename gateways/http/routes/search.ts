import { callerOf } from '../caller.ts';
import type { RouteModule } from '../route-module.ts';
import { found, type SearchQuery, searchQuery } from '../schemas/registry.ts';
import { answers } from '../schemas/shapes.ts';

export const searchRoutes: RouteModule = {
  name: 'search',
  prefix: '/v1/search',
  register(app, { platform }) {
    app.get<{ Querystring: SearchQuery }>(
      '/v1/search',
      {
        schema: {
          tags: ['registry'],
          summary:
            'Search names, descriptions, owners, tags, of definitions and of named data sets',
          querystring: searchQuery,
          response: answers(200, found),
        },
      },
      (request) => {
        const { q, asOf } = request.query;
        return platform.registry.search(q, callerOf(request), asOf);
      },
    );
  },
};
