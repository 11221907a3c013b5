/**
 * A route module: HTTP routes that `serve` adds to the server. `gateways/http-modules.ts` lists all
 * of them. The routes of the API are in `routes/`, one file per word after `/v1/`; for the routes
 * of one source (`/v1/sources`) or feature service (`/v1/services`), one file per word after its
 * name.
 */
import type { FastifyInstance } from 'fastify';
import type { Platform } from '#domain/api/platform.ts';
import type { GatewayLimits } from '#gateways/shared/limits.ts';
import type { ReadBody } from './read-body.ts';

export interface RouteContext {
  readonly platform: Platform;
  readonly limits: GatewayLimits;
  /** the directory in which requests may name files; absent: callers on this machine name any */
  readonly filesRoot?: string | undefined;
  /** whether the server is stopping */
  readonly draining: () => boolean;
  readonly readBody: ReadBody;
}

export interface RouteModule {
  /** one word, such as `audit` */
  readonly name: string;
  /**
   * The path that all its routes begin with, such as `/v1/audit`. Routes are written with their
   * whole path, so that a search for a path finds its route; the server does not start with a route
   * outside the prefix.
   */
  readonly prefix: string;
  /** Adds the routes. They are behind authentication, limits, metrics, traces and the log. */
  readonly register: (app: FastifyInstance, context: RouteContext) => void;
}
