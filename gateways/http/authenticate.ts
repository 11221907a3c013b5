/**
 * Authentication, before the body of a request is read. Only the routes listed here are open; every
 * other route, also a new one, is behind it.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import type { Access } from '#domain/api/platform.ts';
import { OPEN, type Principal } from '#domain/authorization/principal.ts';
import { fail } from '#domain/errors.ts';
import { compact } from './compact.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** null: not authenticated */
    principal: Principal | null;
  }
}

/** Probes, and pages that show only which API this is. */
export const isOpenRoute = (url: string): boolean =>
  url === '/healthz' ||
  url === '/readyz' ||
  url === '/health' ||
  url === '/docs' ||
  url.startsWith('/docs/');

const LOOPBACK_NAME =
  /^(?:localhost|[\w.-]+\.localhost|127(?:\.\d{1,3}){3}|\[::1\]|host\.docker\.internal)(?::\d+)?$/i;

/**
 * Without keys, a web page could reach this server through a name of its own that resolves to this
 * machine (DNS rebinding). Its requests carry that name in `host`; those of programs carry a name
 * of this machine.
 */
const loopbackNames = ({ refused }: Access): ((request: FastifyRequest) => void) => {
  const good = new Set<string>();
  return ({ headers: { host = 'localhost' }, address }) => {
    if (good.has(host)) return;
    if (!LOOPBACK_NAME.test(host)) {
      const message = `without keys this server answers as localhost only, not as ${JSON.stringify(host.slice(0, 100))}`;
      refused({
        actor: 'page',
        command: 'Call',
        subject: `host/${host}`,
        code: 'MR_ORIGIN_REFUSED',
        message,
        beforeAuthentication: true,
        ...compact({ address }),
      });
      fail('MR_ORIGIN_REFUSED', message, { host });
    }
    if (good.size < 100) good.add(host);
  };
};

type Done = (error?: Error) => void;

/** Must come before the routes. @param access absent: callers are not authenticated */
export const addAuthentication = (app: FastifyInstance, access: Access | undefined): void => {
  app.decorateRequest('principal', null);
  if (access === undefined) return;
  const checkName = loopbackNames(access);
  const setPrincipal = (request: FastifyRequest, principal: Principal): void => {
    if (principal === OPEN) checkName(request);
    request.principal = principal;
  };
  const authenticate = (request: FastifyRequest, _reply: FastifyReply, done: Done): void => {
    const { authorization } = request.headers;
    const principal = access.authenticate({ authorization, address: request.address });
    if (!(principal instanceof Promise)) {
      setPrincipal(request, principal);
      done();
      return;
    }
    principal.then(
      (one) => {
        setPrincipal(request, one);
        done();
      },
      (error: Error) => done(error),
    );
  };
  app.addHook('onRoute', (options: RouteOptions) => {
    if (isOpenRoute(options.url) || (access.openMetrics && options.url === '/metrics')) return;
    options.onRequest = [authenticate as never, ...[options.onRequest ?? []].flat()];
  });
};
