/**
 * What the gateways can request of a running Millrace, by area, whichever profile runs it. Shapes
 * are those that users are promised; times are epoch ms; refusals are thrown as MillraceError.
 *
 * `caller` absent: the platform acts for itself. The platform that gateways get (`access`) refuses
 * a call without a caller.
 */
import type { Access, AccessOptions } from '#domain/ports/access.ts';
import type { RequestMeters } from '#domain/ports/request-meter.ts';
import type { Tracing } from '#domain/ports/tracing.ts';
import type { Audit } from './audit.ts';
import type { Datasets } from './datasets.ts';
import type { Keys } from './keys.ts';
import type { Operations } from './operations.ts';
import type { Publishing } from './publishing.ts';
import type { Registry } from './registry.ts';
import type { Replays } from './replays.ts';
import type { Serving } from './serving.ts';

/** The areas that callers can request something of; each has its own rules of authorization. */
export interface Areas {
  readonly publishing: Publishing;
  readonly serving: Serving;
  readonly registry: Registry;
  readonly datasets: Datasets;
  readonly replays: Replays;
  readonly audit: Audit;
  readonly keys: Keys;
  readonly operations: Operations;
}

export interface Platform extends Areas {
  /** This platform for gateways: behind authentication, authorization and rate limits. */
  access(options: AccessOptions): Access;
  /** Counters of requests for gateways to fill; absent: requests are not counted. */
  readonly requests?: RequestMeters;
  /** The tracer for gateways; absent: traces are off. */
  readonly tracing?: Tracing;
  /** Drains and stops; idempotent. */
  close(): Promise<void>;
}
