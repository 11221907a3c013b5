import { optionalTime } from '#gateways/shared/parameters.ts';
import { callerOf } from '../caller.ts';
import { compact } from '../compact.ts';
import { namedFile } from '../named-files.ts';
import type { RouteModule } from '../route-module.ts';
import { type BatchBody, batchBody, batchResult } from '../schemas/datasets.ts';
import { answers } from '../schemas/shapes.ts';
import { targetOf } from '../target.ts';

export const batchRoutes: RouteModule = {
  name: 'batch',
  prefix: '/v1/batch',
  register(app, { platform, filesRoot }) {
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
        return platform.datasets.batch(
          {
            ...compact({
              at: optionalTime('at', body.at),
              overwrite: body.overwrite,
              withStatus: body.withStatus,
            }),
            target: targetOf(body),
            out: namedFile(request, 'out', body.out, filesRoot),
          },
          callerOf(request),
        );
      },
    );
  },
};
