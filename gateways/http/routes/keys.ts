import { optionalTime } from '#gateways/shared/parameters.ts';
import { callerOf } from '../caller.ts';
import { compact } from '../compact.ts';
import type { RouteModule } from '../route-module.ts';
import { createdKey, type KeyBody, keyBody, keyInfo, keyInfos } from '../schemas/keys.ts';
import { type ReasonBody, reasonBody } from '../schemas/replays.ts';
import { answers } from '../schemas/shapes.ts';

export const keyRoutes: RouteModule = {
  name: 'keys',
  prefix: '/v1/keys',
  register(app, { platform }) {
    app.post<{ Body: KeyBody }>(
      '/v1/keys',
      {
        schema: {
          tags: ['access'],
          summary: 'Create a key; only this answer has it',
          body: keyBody,
          response: answers(201, createdKey),
        },
      },
      async (request, reply) => {
        const { expiresAt, ...wish } = request.body;
        const created = await platform.keys.create(
          { ...wish, ...compact({ expiresAt: optionalTime('expiresAt', expiresAt) }) },
          callerOf(request),
        );
        reply.code(201).header('cache-control', 'no-store');
        return created;
      },
    );
    app.get(
      '/v1/keys',
      {
        schema: {
          tags: ['access'],
          summary: 'Keys, revoked ones included; never their secrets',
          response: answers(200, keyInfos),
        },
      },
      (request) => platform.keys.list(callerOf(request)),
    );
    app.post<{ Params: { id: string }; Body: ReasonBody }>(
      '/v1/keys/:id/revoke',
      {
        schema: {
          tags: ['access'],
          summary: 'Revoke a key, at once and for good',
          body: reasonBody,
          response: answers(200, keyInfo),
        },
        preValidation: async (request) => {
          request.body ??= {};
        },
      },
      (request) => platform.keys.revoke(request.params.id, request.body, callerOf(request)),
    );
  },
};
