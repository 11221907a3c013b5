/** What services answered: looked up by request, and held against what was true. */
import { callerOf } from '../caller.ts';
import type { Routes } from '../route.ts';
import { answers, closed, list, text } from '../schemas.ts';
import { servedRow } from '../served-schemas.ts';

export const servedRoutes: Routes = (app, { platform }) => {
  app.get<{ Params: { service: string }; Querystring: { request: string } }>(
    '/v1/services/:service/served',
    {
      schema: {
        tags: ['audit'],
        summary: 'What a logged service answered to a request, by the request id of that answer',
        querystring: closed({ request: text }, ['request']),
        response: answers(200, list(servedRow)),
      },
    },
    (request) => platform.served(request.params.service, { requestId: request.query.request }, callerOf(request)),
  );
};
