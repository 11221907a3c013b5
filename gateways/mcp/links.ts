/**
 * Links that reproduce an answer: a GET of this gateway where there is one, else the request with
 * its body. They have the name by which the caller reached the gateway.
 */
import type { FastifyRequest } from 'fastify';

export interface ReproducingLink {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly body?: object;
  /** whether the same request gives the same answer later; else, the state of then */
  readonly repeatable: boolean;
}

type Query = Readonly<Record<string, string | number | undefined>>;

export interface Links {
  /** @param parts of the path, unencoded */
  readonly get: (parts: readonly string[], query?: Query) => ReproducingLink;
  readonly post: (parts: readonly string[], body: object) => ReproducingLink;
}

const queryText = (query: Query): string => {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(value)}`],
  );
  return given.length === 0 ? '' : `?${given.join('&')}`;
};

/** The same link, where it gives the state of the time at which it is followed. */
export const ofThen = (link: ReproducingLink): ReproducingLink => ({ ...link, repeatable: false });

const first = (header: string | readonly string[] | undefined): string | undefined =>
  header?.toString().split(',')[0]?.trim();

/** What a proxy says counts only if it is trusted: then it also says where the client is. */
const isForwarded = ({ address, socket }: FastifyRequest): boolean =>
  address !== undefined && address !== socket.remoteAddress?.replace(/^::ffff:/, '');

/** The gateway as the caller names it, without a slash at the end. */
export const baseOf = (request: FastifyRequest): string => {
  const { headers, protocol } = request;
  const own = `${protocol}://${headers.host}`;
  if (!isForwarded(request)) return own;
  const scheme = first(headers['x-forwarded-proto']) ?? protocol;
  const host = first(headers['x-forwarded-host']) ?? headers.host;
  const forwarded = `${scheme}://${host}`;
  return /^https?$/.test(scheme) && URL.canParse(forwarded) ? new URL(forwarded).origin : own;
};

export const linksAt = (base: string): Links => {
  const urlOf = (parts: readonly string[]): string =>
    `${base}/${parts.map(encodeURIComponent).join('/')}`;
  return {
    get: (parts, query = {}) => ({
      method: 'GET',
      url: urlOf(parts) + queryText(query),
      repeatable: true,
    }),
    post: (parts, body) => ({ method: 'POST', url: urlOf(parts), body, repeatable: true }),
  };
};
