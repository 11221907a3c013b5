import type { ReadRequest } from '#domain/api/serving.ts';
import { bounded, checkRead } from '#gateways/shared/checks.ts';
import { timeOf } from '#gateways/shared/parameters.ts';
import { callerOf } from '../caller.ts';
import { setDegradedHeader } from '../degraded.ts';
import { createFeaturesSerializer } from '../features-json.ts';
import { JSON_TYPE } from '../json-type.ts';
import type { RouteModule } from '../route-module.ts';
import { type ReadBody, readBody, readResult } from '../schemas/features.ts';
import { answers } from '../schemas/shapes.ts';

/** Times as numbers. Most bodies have none, and are themselves the request. */
const readRequest = (body: ReadBody): ReadRequest => {
  const { at, known } = body;
  if (at === undefined && known === undefined) return body as ReadRequest;
  return {
    ...body,
    ...(at === undefined ? {} : { at: timeOf('at', at) }),
    ...(known === undefined ? {} : { known: timeOf('known', known) }),
  } as ReadRequest;
};

export const featureRoutes: RouteModule = {
  name: 'features',
  prefix: '/v1/features',
  register(app, { platform, limits }) {
    const serialize = createFeaturesSerializer();
    app.post<{ Body: ReadBody }>(
      '/v1/features',
      {
        schema: {
          tags: ['features'],
          summary: 'Feature values of entities, now or at any past moment',
          body: readBody,
          response: answers(200, readResult),
        },
      },
      async (request, reply) => {
        checkRead(request.body, limits);
        const result = await platform.serving.read(
          bounded(readRequest(request.body), limits),
          callerOf(request),
        );
        setDegradedHeader(reply, result);
        reply.header('content-type', JSON_TYPE);
        return serialize(result);
      },
    );
  },
};
