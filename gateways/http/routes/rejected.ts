import { fail } from '#domain/errors.ts';
import { pageLimit } from '#gateways/shared/parameters.ts';
import { callerOf } from '../caller.ts';
import { compact } from '../compact.ts';
import type { RouteModule } from '../route-module.ts';
import { publishResult } from '../schemas/events.ts';
import { type PageQuery, pageQuery } from '../schemas/pages.ts';
import { type ResendBody, rejectedPage, resendBody } from '../schemas/rejected.ts';
import { answers } from '../schemas/shapes.ts';

const checkResend = ({ positions, events }: ResendBody, limit: number): void => {
  if (positions.length > limit)
    fail('MR_BATCH_TOO_LARGE', `${positions.length} positions in one request: at most ${limit}`, {
      limit,
    });
  if (events !== undefined && events.length !== positions.length)
    fail(
      'MR_BODY_INVALID',
      `${positions.length} positions and ${events.length} events: "events" must have one for each position`,
    );
};

export const rejectedRoutes: RouteModule = {
  name: 'rejected',
  prefix: '/v1/rejected',
  register(app, { platform, limits }) {
    app.get<{ Params: { source: string }; Querystring: PageQuery }>(
      '/v1/rejected/:source',
      {
        schema: {
          tags: ['rejected and late'],
          summary: 'Rejected events, and why; `next` is the `after` of the next page',
          querystring: pageQuery,
          response: answers(200, rejectedPage),
        },
      },
      (request) => {
        const { after, limit } = request.query;
        return platform.publishing.rejected(
          request.params.source,
          compact({ after, limit: pageLimit(limit) }),
          callerOf(request),
        );
      },
    );
    app.post<{ Params: { source: string }; Body: ResendBody }>(
      '/v1/rejected/:source/resend',
      {
        schema: {
          tags: ['rejected and late'],
          summary: 'Publish rejected events again, as they are or corrected',
          body: resendBody,
          response: answers(200, publishResult),
        },
      },
      (request) => {
        checkResend(request.body, limits.events);
        return platform.publishing.resendRejected(
          request.params.source,
          request.body,
          callerOf(request),
        );
      },
    );
  },
};
