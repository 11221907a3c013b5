import type { EntityKey } from '#domain/plan/plan.ts';
import { callerOf } from '../caller.ts';
import { compact } from '../compact.ts';
import { optionalTime } from '../parameters.ts';
import type { Routes } from '../route.ts';
import {
  answers,
  closed,
  list,
  record,
  replayComparison,
  replayStatus,
  text,
  time,
} from '../schemas.ts';

interface ReplayBody {
  readonly view: string;
  readonly from?: string | number;
  readonly to?: string | number;
  readonly reason?: string;
  readonly entities?: readonly EntityKey[];
}

const ACTIONS = ['promote', 'abandon', 'rollback', 'retire'] as const;
type OfReplay = { Params: { id: string } };

export const replayRoutes: Routes = (app, { platform }) => {
  app.post<{ Body: ReplayBody }>(
    '/v1/replays',
    {
      schema: {
        tags: ['replays'],
        summary: 'Fill a new generation of a view from the history and the log',
        body: closed({ view: text, from: time, to: time, reason: text, entities: list(record) }, [
          'view',
        ]),
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
  const about = (summary: string, answer: typeof record) => ({
    schema: { tags: ['replays'], summary, response: answers(200, answer) },
  });
  app.get('/v1/replays', about('All replays', list(replayStatus)), (request) =>
    platform.replays.list(callerOf(request)),
  );
  app.get<OfReplay>('/v1/replays/:id', about('One replay', replayStatus), (request) =>
    platform.replays.get(request.params.id, callerOf(request)),
  );
  app.get<OfReplay>(
    '/v1/replays/:id/compare',
    about('How it differs from the live generation', replayComparison),
    (request) => platform.replays.compare(request.params.id, callerOf(request)),
  );
  for (const action of ACTIONS) {
    app.post<OfReplay & { Body: { reason?: string } }>(
      `/v1/replays/:id/${action}`,
      {
        schema: {
          tags: ['replays'],
          summary: `Replay: ${action}`,
          body: closed({ reason: text }),
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
};
