import type { ReadRequest } from '#domain/api/serving.ts';
import { checkRead } from '#gateways/checks.ts';
import { callerOf } from '../caller.ts';
import { sayDegraded } from '../degraded.ts';
import { createFeaturesSerializer } from '../features-json.ts';
import { JSON_TYPE } from '../json-type.ts';
import { timeOf } from '../parameters.ts';
import { readResult } from '../read-schemas.ts';
import type { Routes } from '../route.ts';
import { answers, closed, list, record, text, time } from '../schemas.ts';

type FeaturesBody = Omit<ReadRequest, 'at' | 'known'> & {
  readonly at?: string | number;
  readonly known?: string | number;
};

/** Times as numbers. The usual body has none or numbers already, and is itself the request. */
const readRequest = (body: FeaturesBody): ReadRequest => {
  const { at, known } = body;
  if (at === undefined && known === undefined) return body as ReadRequest;
  return {
    ...body,
    ...(at === undefined ? {} : { at: timeOf('at', at) }),
    ...(known === undefined ? {} : { known: timeOf('known', known) }),
  } as ReadRequest;
};

export const featureRoutes: Routes = (app, { platform, limits }) => {
  const serialize = createFeaturesSerializer();
  app.post<{ Body: FeaturesBody }>(
    '/v1/features',
    {
      schema: {
        tags: ['features'],
        summary: 'Feature values of entities, now or at any past moment',
        body: closed(
          {
            service: text,
            features: list(text),
            entities: list(record),
            request: list(record),
            at: time,
            known: time,
            after: text,
            waitMs: {
              type: 'integer',
              minimum: 0,
              description: 'how long `after` may be waited for; at most five seconds',
            },
          },
          ['entities'],
        ),
        response: answers(200, readResult),
      },
    },
    async (request, reply) => {
      checkRead(request.body, limits);
      const result = await platform.serving.read(readRequest(request.body), callerOf(request));
      sayDegraded(reply, result);
      reply.header('content-type', JSON_TYPE);
      return serialize(result);
    },
  );
};
