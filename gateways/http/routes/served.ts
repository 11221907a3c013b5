import { callerOf } from '../caller.ts';
import type { RouteModule } from '../route-module.ts';
import { featureLogRows, type ServedQuery, servedQuery } from '../schemas/served.ts';
import { answers } from '../schemas/shapes.ts';

export const servedRoutes: RouteModule = {
  name: 'served',
  prefix: '/v1/services',
  register(app, { platform }) {
    app.get<{ Params: { service: string }; Querystring: ServedQuery }>(
      '/v1/services/:service/served',
      {
        schema: {
          tags: ['audit'],
          summary: 'What a logged service answered to a request, by the request id of that answer',
          querystring: servedQuery,
          response: answers(200, featureLogRows),
        },
      },
      (request) =>
        platform.serving.featureLog(
          request.params.service,
          { requestId: request.query.request },
          callerOf(request),
        ),
    );
  },
};
