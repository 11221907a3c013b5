import { callerOf } from '../caller.ts';
import { definitionsOf } from '../definitions.ts';
import type { RouteModule } from '../route-module.ts';
import { type ApplyBody, applyBody, applyResult } from '../schemas/registry.ts';
import { answers } from '../schemas/shapes.ts';

export const applyRoutes: RouteModule = {
  name: 'apply',
  prefix: '/v1/apply',
  register(app, { platform, limits }) {
    app.post<{ Body: ApplyBody }>(
      '/v1/apply',
      {
        schema: {
          tags: ['registry'],
          summary: 'Change the registry to these definitions',
          body: applyBody,
          response: answers(200, applyResult),
        },
      },
      (request) => {
        const { definitions, ...options } = request.body;
        return platform.registry.apply(
          definitionsOf(definitions, limits.definitions),
          options,
          callerOf(request),
        );
      },
    );
  },
};
