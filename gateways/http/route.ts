/** What every file of routes gets. */
import type { FastifyInstance } from 'fastify';
import type { Platform } from '#domain/api/platform.ts';
import type { HttpLimits } from './limits.ts';
import type { ReadBody } from './read-body.ts';

export interface RouteContext {
  readonly platform: Platform;
  readonly limits: HttpLimits;
  readonly draining: () => boolean;
  readonly readBody: ReadBody;
}

export type Routes = (app: FastifyInstance, context: RouteContext) => void;
