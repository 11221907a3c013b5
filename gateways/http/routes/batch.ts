import { optionalTime } from '#gateways/shared/parameters.ts';
import { callerOf, requireSameMachine } from '../caller.ts';
import { compact } from '../compact.ts';
import type { RouteModule } from '../route-module.ts';
import { type BatchBody, batchBody, batchResult } from '../schemas/datasets.ts';
import { answers } from '../schemas/shapes.ts';
import { absolutePath, targetOf } from '../target.ts';

export const batchRoutes: RouteModule = {
  name: 'batch',
  prefix: '/v1/batch',
  register(app, { platform }) {
    app.post<{ Body: BatchBody }>(
      '/v1/batch',
      {
        schema: {
          tags: ['data sets'],
          summary: 'Write the values of every entity to a file',
          body: batchBody,
          response: answers(200, batchResult),
        },
      },
      (request) => {
        const { body } = request;
        requireSameMachine(request, '"out"');
        return platform.datasets.batch(
          {
            ...compact({ at: optionalTime('at', body.at), withStatus: body.withStatus }),
            target: targetOf(body),
            out: absolutePath('out', body.out),
          },
          callerOf(request),
        );
      },
    );
  },
};
