/** The refusal of an unknown path. It names the methods that the path has, if any. */
import type { FastifyInstance } from 'fastify';
import { fail } from '#domain/errors.ts';

interface Route {
  readonly method: string;
  readonly pattern: RegExp;
}

const patternOf = (url: string): RegExp =>
  new RegExp(`^${url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:\w+/g, '[^/]+')}/?$`);

export const addNotFound = (app: FastifyInstance): void => {
  const served: Route[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    for (const one of [method].flat())
      if (one !== 'HEAD' && !url.includes('*'))
        served.push({ method: one, pattern: patternOf(url) });
  });
  app.setNotFoundHandler((request) => {
    const path = request.url.split('?')[0] as string;
    const methods = served.filter((route) => route.pattern.test(path)).map((route) => route.method);
    const instead =
      methods.length === 0 ? '/docs lists all requests' : `this path has ${methods.join(', ')}`;
    fail('MR_ROUTE_NOT_FOUND', `there is no ${request.method} ${path}: ${instead}`, {
      method: request.method,
      path,
      methods,
    });
  });
};
