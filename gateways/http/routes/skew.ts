import { optionalTime, optionalWholeNumber } from '#gateways/shared/parameters.ts';
import { callerOf } from '../caller.ts';
import { compact } from '../compact.ts';
import type { RouteModule } from '../route-module.ts';
import { answers } from '../schemas/shapes.ts';
import { type SkewQuery, skewQuery, skewReport } from '../schemas/skew.ts';

/** Rows of one report. These rows, and the events of those that differ, are held in memory. */
const MAX_SAMPLE = 100_000;

export const skewRoutes: RouteModule = {
  name: 'skew',
  prefix: '/v1/services',
  register(app, { platform }) {
    app.get<{ Params: { service: string }; Querystring: SkewQuery }>(
      '/v1/services/:service/skew',
      {
        schema: {
          tags: ['audit'],
          summary:
            'Logged answers compared with event-time values, by feature, with the causes of the differences; takes seconds',
          querystring: skewQuery,
          response: answers(200, skewReport),
        },
      },
      (request) => {
        const { since, until, sample } = request.query;
        return platform.serving.skew(
          {
            service: request.params.service,
            ...compact({
              since: optionalTime('since', since),
              until: optionalTime('until', until),
              sample: optionalWholeNumber('sample', sample, 1, MAX_SAMPLE),
            }),
          },
          callerOf(request),
        );
      },
    );
  },
};
