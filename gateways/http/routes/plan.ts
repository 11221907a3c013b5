import { callerOf } from '../caller.ts';
import { definitionsOf } from '../definitions.ts';
import type { RouteModule } from '../route-module.ts';
import { type PlanBody, planBody, planResult } from '../schemas/registry.ts';
import { answers } from '../schemas/shapes.ts';

export const planRoutes: RouteModule = {
  name: 'plan',
  prefix: '/v1/plan',
  register(app, { platform, limits }) {
    app.post<{ Body: PlanBody }>(
      '/v1/plan',
      {
        schema: {
          tags: ['registry'],
          summary: 'What applying these definitions would change, and what it costs',
          body: planBody,
          response: answers(200, planResult),
        },
      },
      (request) => {
        const { definitions, ...options } = request.body;
        return platform.registry.plan(
          definitionsOf(definitions, limits.definitions),
          options,
          callerOf(request),
        );
      },
    );
  },
};
