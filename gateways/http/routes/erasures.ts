import { callerOf } from '../caller.ts';
import type { RouteModule } from '../route-module.ts';
import {
  certificate,
  type ErasureBody,
  erasureBody,
  erasureList,
  erasureStatus,
} from '../schemas/erasures.ts';
import { answers } from '../schemas/shapes.ts';

type OfErasure = { Params: { id: string } };

export const erasureRoutes: RouteModule = {
  name: 'erasures',
  prefix: '/v1/erasures',
  register(app, { platform }) {
    app.post<{ Body: ErasureBody }>(
      '/v1/erasures',
      {
        schema: {
          tags: ['access'],
          summary: 'Remove all of one entity; until it has ended, requests get MR_MAINTENANCE',
          body: erasureBody,
          response: answers(201, erasureStatus),
        },
      },
      async (request, reply) => {
        const status = await platform.erasures.request(request.body, callerOf(request));
        reply.code(201).header('cache-control', 'no-store');
        return status;
      },
    );
    const schema = (summary: string, answer: object) => ({
      schema: { tags: ['access'], summary, response: answers(200, answer) },
    });
    app.get('/v1/erasures', schema('Erasures, newest first', erasureList), (request, reply) => {
      reply.header('cache-control', 'no-store');
      return platform.erasures.list(callerOf(request));
    });
    app.get<OfErasure>(
      '/v1/erasures/:id',
      schema('An erasure; who is erased only until it has ended', erasureStatus),
      (request, reply) => {
        reply.header('cache-control', 'no-store');
        return platform.erasures.get(request.params.id, callerOf(request));
      },
    );
    app.get<OfErasure>(
      '/v1/erasures/:id/certificate',
      schema('What was removed, and what remains', certificate),
      (request) => platform.erasures.certificate(request.params.id, callerOf(request)),
    );
  },
};
