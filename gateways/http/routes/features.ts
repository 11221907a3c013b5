import { fail } from '#domain/errors.ts';
import type { ReadRequest } from '#gateways/platform.ts';
import { createFeaturesSerializer } from '../features-json.ts';
import type { HttpLimits } from '../limits.ts';
import { timeOf } from '../parameters.ts';
import type { Routes } from '../route.ts';
import { answers, closed, list, readResult, record, text, time } from '../schemas.ts';

type FeaturesBody = Omit<ReadRequest, 'at' | 'known'> & { readonly at?: string | number; readonly known?: string | number };

const checkSize = (body: FeaturesBody, limits: HttpLimits): void => {
  const { service, features, entities } = body;
  if ((service === undefined) === (features === undefined)) {
    fail('MR_BODY_INVALID', 'the body must have either "service" (a name) or "features" (a list such as "view:feature")');
  }
  if (entities.length > limits.entities) {
    fail('MR_QUERY_TOO_LARGE', `${entities.length} entities in one request: at most ${limits.entities}`, {
      limit: limits.entities,
      entities: entities.length,
    });
  }
  if (features !== undefined && (features.length > limits.features || features.length === 0)) {
    const code = features.length === 0 ? 'MR_BODY_INVALID' : 'MR_QUERY_TOO_LARGE';
    fail(code, `${features.length} features in one request: from 1 to ${limits.features}`, {
      limit: limits.features,
      features: features.length,
    });
  }
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
          },
          ['entities'],
        ),
        response: answers(200, readResult),
      },
      serializerCompiler: ({ httpStatus }) => (httpStatus === '200' ? (serialize as (data: unknown) => string) : JSON.stringify),
    },
    (request) => {
      checkSize(request.body, limits);
      return platform.read(readRequest(request.body));
    },
  );
};
