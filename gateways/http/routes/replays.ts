import { optionalTime } from '#gateways/shared/parameters.ts';
import { callerOf } from '../caller.ts';
import { compact } from '../compact.ts';
import type { RouteModule } from '../route-module.ts';
import {
  type ReasonBody,
  type ReplayBody,
  reasonBody,
  replayBody,
  replayComparison,
  replayStatus,
  replayStatuses,
} from '../schemas/replays.ts';
import { answers } from '../schemas/shapes.ts';

const ACTIONS = ['promote', 'abandon', 'rollback', 'retire'] as const;
type OfReplay = { Params: { id: string } };

export const replayRoutes: RouteModule = {
  name: 'replays',
  prefix: '/v1/replays',
  register(app, { platform }) {
    app.post<{ Body: ReplayBody }>(
      '/v1/replays',
      {
        schema: {
          tags: ['replays'],
          summary: 'Fill a new generation of a view from the history and the log',
          body: replayBody,
          response: answers(202, replayStatus),
        },
      },
      async (request, reply) => {
        const { view, reason, entities, from, to } = request.body;
        const times = { from: optionalTime('from', from), to: optionalTime('to', to) };
        const started = await platform.replays.start(
          { view, ...compact({ reason, entities, ...times }) },
          callerOf(request),
        );
        reply.code(202);
        return started;
      },
    );
    const schema = (summary: string, answer: object) => ({
      schema: { tags: ['replays'], summary, response: answers(200, answer) },
    });
    app.get('/v1/replays', schema('All replays', replayStatuses), (request) =>
      platform.replays.list(callerOf(request)),
    );
    app.get<OfReplay>('/v1/replays/:id', schema('One replay', replayStatus), (request) =>
      platform.replays.get(request.params.id, callerOf(request)),
    );
    app.get<OfReplay>(
      '/v1/replays/:id/compare',
      schema('How it differs from the live generation', replayComparison),
      (request) => platform.replays.compare(request.params.id, callerOf(request)),
    );
    for (const action of ACTIONS) {
      app.post<OfReplay & { Body: ReasonBody }>(
        `/v1/replays/:id/${action}`,
        {
          schema: {
            tags: ['replays'],
            summary: `Replay: ${action}`,
            body: reasonBody,
            response: answers(200, replayStatus),
          },
          preValidation: async (request) => {
            request.body ??= {};
          },
        },
        (request) =>
          platform.replays.change(request.params.id, action, request.body, callerOf(request)),
      );
    }
  },
};
