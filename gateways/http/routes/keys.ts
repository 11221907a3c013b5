import type { KeyRequest } from '#domain/api/keys.ts';
import { callerOf } from '../caller.ts';
import { compact } from '../compact.ts';
import { optionalTime } from '../parameters.ts';
import type { Routes } from '../route.ts';
import { answers, closed, epoch, list, nullable, object, text, time, whole } from '../schemas.ts';

const limits = closed({
  requestsPerSecond: whole,
  burst: whole,
  eventsPerDay: whole,
  rowsPerDay: whole,
});
const info = {
  id: text,
  name: text,
  grants: list(text),
  limits,
  createdAt: epoch,
  createdBy: text,
  expiresAt: nullable(epoch),
  revokedAt: nullable(epoch),
  revokedBy: nullable(text),
};
const keyInfo = object(info);
const createdKey = object({ ...info, key: text });

type KeyBody = Omit<KeyRequest, 'expiresAt'> & { readonly expiresAt?: string | number };

export const keyRoutes: Routes = (app, { platform }) => {
  app.post<{ Body: KeyBody }>(
    '/v1/keys',
    {
      schema: {
        tags: ['access'],
        summary: 'Make a key; the answer is the only place where it is',
        body: closed({ name: text, grants: list(text), limits, expiresAt: time, reason: text }, [
          'name',
          'grants',
        ]),
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
        summary: 'Keys, revoked ones too; never their secrets',
        response: answers(200, list(keyInfo)),
      },
    },
    (request) => platform.keys.list(callerOf(request)),
  );
  app.post<{ Params: { id: string }; Body: { reason?: string } }>(
    '/v1/keys/:id/revoke',
    {
      schema: {
        tags: ['access'],
        summary: 'Revoke a key, at once and for good',
        body: closed({ reason: text }),
        response: answers(200, keyInfo),
      },
      preValidation: async (request) => {
        request.body ??= {};
      },
    },
    (request) => platform.keys.revoke(request.params.id, request.body, callerOf(request)),
  );
};
