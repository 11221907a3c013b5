import { callerOf } from '../caller.ts';
import type { RouteModule } from '../route-module.ts';
import { producerSequence } from '../schemas/events.ts';
import { answers } from '../schemas/shapes.ts';

export const producerRoutes: RouteModule = {
  name: 'producers',
  prefix: '/v1/sources',
  register(app, { platform }) {
    app.get<{ Params: { source: string; id: string } }>(
      '/v1/sources/:source/producers/:id',
      {
        schema: {
          tags: ['events'],
          summary: 'The next sequence number of a producer',
          response: answers(200, producerSequence),
        },
      },
      async (request) => {
        const { source, id } = request.params;
        return {
          next: await platform.publishing.producerSequence(source, id, callerOf(request)),
        };
      },
    );
  },
};
