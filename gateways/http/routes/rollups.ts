import { optionalTime } from '#gateways/shared/parameters.ts';
import { callerOf } from '../caller.ts';
import { compact } from '../compact.ts';
import type { RouteModule } from '../route-module.ts';
import { type RollupBody, rollupBody, rollupResult } from '../schemas/datasets.ts';
import { answers } from '../schemas/shapes.ts';

export const rollupRoutes: RouteModule = {
  name: 'rollups',
  prefix: '/v1/rollups',
  register(app, { platform }) {
    app.post<{ Body: RollupBody }>(
      '/v1/rollups',
      {
        schema: {
          tags: ['data sets'],
          summary: 'Write a view’s values at the end of each period to a table',
          body: rollupBody,
          response: answers(200, rollupResult),
        },
      },
      (request) => {
        const { view, every = 'day', features, again, from, to } = request.body;
        const times = { from: optionalTime('from', from), to: optionalTime('to', to) };
        return platform.datasets.rollup(
          { view, every, ...compact({ features, again, ...times }) },
          callerOf(request),
        );
      },
    );
  },
};
