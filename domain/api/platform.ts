/**
 * What the gateways can request of a running Millrace, by area, whichever profile runs it. A call
 * passes: route → authorization → traces → area → command or projection. The platform that routes
 * get is made in application/authorization/authorize-platform.ts.
 *
 * Users rely on these shapes, so they do not change. Times are epoch ms; refusals are thrown as
 * MillraceError.
 *
 * `caller` absent: the platform acts for itself. The platform that gateways get (`access`) refuses
 * a call without a caller.
 */
import type { Principal } from '#domain/authorization/principal.ts';
import type { AccessOptions, AccessRefusal, Credentials } from '#domain/ports/access.ts';
import type { RequestMeters } from '#domain/ports/request-meter.ts';
import type { Tracing } from '#domain/ports/tracing.ts';
import type { Approvals } from './approvals.ts';
import type { Audit } from './audit.ts';
import type { Datasets } from './datasets.ts';
import type { Erasures } from './erasures.ts';
import type { Keys } from './keys.ts';
import type { Operations } from './operations.ts';
import type { Publishing } from './publishing.ts';
import type { Registry } from './registry.ts';
import type { Replays } from './replays.ts';
import type { Serving } from './serving.ts';
import type { Sql } from './sql.ts';
import type { Tables } from './tables.ts';

/** The areas that callers can request something of; each has its own rules of authorization. */
export interface Areas {
  readonly publishing: Publishing;
  readonly serving: Serving;
  readonly registry: Registry;
  readonly datasets: Datasets;
  readonly sql: Sql;
  readonly replays: Replays;
  readonly audit: Audit;
  readonly approvals: Approvals;
  readonly erasures: Erasures;
  readonly keys: Keys;
  readonly operations: Operations;
  readonly tables: Tables;
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

/** The platform for gateways: authentication, and the areas behind authorization. */
export interface Access {
  /** The platform behind authorization. A call without a caller is refused. */
  readonly platform: Platform;
  /** Whether callers must authenticate. Once required because a key exists, it stays required. */
  readonly authenticationRequired: () => boolean;
  /**
   * The principal of a caller; counts as one of its requests. Cached credentials are answered
   * without a promise.
   * @throws MR_UNAUTHENTICATED, MR_RATE_LIMITED
   */
  readonly authenticate: (credentials: Credentials) => Principal | Promise<Principal>;
  /** whether metrics may be read without authentication */
  readonly openMetrics: boolean;
  /** Records a refusal that a gateway has made by itself, for the audit log. */
  readonly refused: (refusal: AccessRefusal) => void;
  /** Resolves when all refusals so far are in the event store. */
  readonly close: () => Promise<void>;
}
