/** A path that is not served: where another method is taken there, the message says which. */
import type { FastifyInstance } from 'fastify';
import { fail } from '#domain/errors.ts';

interface Known {
  readonly method: string;
  readonly pattern: RegExp;
}

const patternOf = (url: string): RegExp =>
  new RegExp(`^${url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:\w+/g, '[^/]+')}/?$`);

export const addNotFound = (app: FastifyInstance): void => {
  const known: Known[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    for (const one of [method].flat())
      if (one !== 'HEAD' && !url.includes('*'))
        known.push({ method: one, pattern: patternOf(url) });
  });
  app.setNotFoundHandler((request) => {
    const path = request.url.split('?')[0] as string;
    const methods = known.filter((route) => route.pattern.test(path)).map((route) => route.method);
    const instead =
      methods.length === 0
        ? '/docs lists the requests that there are'
        : `it takes ${methods.join(', ')}`;
    fail('MR_ROUTE_NOT_FOUND', `${request.method} ${path} is not served: ${instead}`, {
      method: request.method,
      path,
      methods,
    });
  });
};
