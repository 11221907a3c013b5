/**
 * Who asks, before anything of his request is read. Routes that are open say so here and nowhere
 * else; every other one is for those whom `access` knows, also one that is added and forgotten.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { OPEN, type Principal } from '#domain/authorization/principal.ts';
import { fail, MillraceError } from '#domain/errors.ts';
import type { Access } from '#domain/ports/access.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** null: nobody was asked */
    principal: Principal | null;
  }
}

/** Probes, and pages that say nothing of this platform but what it is. */
export const isOpenRoute = (url: string): boolean =>
  url === '/healthz' ||
  url === '/readyz' ||
  url === '/health' ||
  url === '/docs' ||
  url.startsWith('/docs/');

const LOOPBACK_NAME =
  /^(?:localhost|[\w.-]+\.localhost|127(?:\.\d{1,3}){3}|\[::1\]|host\.docker\.internal)(?::\d+)?$/i;

/**
 * Where keys are not asked for, a web page could reach this machine by a name of its own that it
 * lets point here; its requests carry that name, whereas those of programs carry this machine's.
 */
const loopbackNames = ({ refused }: Access): ((request: FastifyRequest) => void) => {
  const good = new Set<string>();
  return ({ headers: { host = 'localhost' } }) => {
    if (good.has(host)) return;
    if (!LOOPBACK_NAME.test(host)) {
      const message = `without keys this server answers as localhost only, not as ${JSON.stringify(host.slice(0, 100))}`;
      refused({
        actor: 'page',
        command: 'Call',
        subject: `host/${host}`,
        code: 'MR_ORIGIN_REFUSED',
        message,
      });
      fail('MR_ORIGIN_REFUSED', message, { host });
    }
    if (good.size < 100) good.add(host);
  };
};

type Done = (error?: Error) => void;

/** Must come before the routes. @param access absent: nobody is asked */
export const addAuthentication = (app: FastifyInstance, access: Access | undefined): void => {
  app.decorateRequest('principal', null);
  if (access === undefined) return;
  const checkName = loopbackNames(access);
  const known = (request: FastifyRequest, principal: Principal): void => {
    if (principal === OPEN) checkName(request);
    request.principal = principal;
  };
  const authenticate = (request: FastifyRequest, _reply: FastifyReply, done: Done): void => {
    const { authorization } = request.headers;
    const principal = access.authenticate({ authorization, address: request.socket.remoteAddress });
    if (!(principal instanceof Promise)) {
      known(request, principal);
      done();
      return;
    }
    principal.then(
      (one) => {
        known(request, one);
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

/** What HTTP says beside a refusal of access. */
export const sayHow = (error: unknown, reply: FastifyReply): void => {
  if (!(error instanceof MillraceError)) return;
  if (error.status === 401) reply.header('www-authenticate', 'Bearer');
  const { retryAfterMs } = error.details;
  if (error.status === 429 && typeof retryAfterMs === 'number')
    reply.header('retry-after', Math.ceil(retryAfterMs / 1000));
};
