import { callerOf } from '../caller.ts';
import type { RouteModule } from '../route-module.ts';
import { type CommandBody, commandBody, commandResult } from '../schemas/registry.ts';
import { answers } from '../schemas/shapes.ts';

export const commandRoutes: RouteModule = {
  name: 'commands',
  prefix: '/v1/commands',
  register(app, { platform }) {
    app.post<{ Body: CommandBody }>(
      '/v1/commands',
      {
        schema: {
          tags: ['registry'],
          summary: 'Send one command to the registry',
          body: commandBody,
          response: answers(200, commandResult),
        },
      },
      (request) => platform.registry.command(request.body, callerOf(request)),
    );
  },
};
