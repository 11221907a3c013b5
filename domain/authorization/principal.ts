/**
 * The identity of a caller: a key, a token's subject, or anyone if authentication is off.
 */
import type { Grant } from './grants.ts';

/** An absent property is no limit. Past a limit: MR_RATE_LIMITED or MR_QUOTA_EXCEEDED. */
export interface AccessLimits {
  readonly requestsPerSecond?: number;
  /** requests in a burst; default: requestsPerSecond */
  readonly burst?: number;
  readonly eventsPerDay?: number;
  /** rows read: entities of a read, rows of a training set or a batch */
  readonly rowsPerDay?: number;
}

export interface Principal {
  /** unique over all kinds of principals: `access-key/3f…`, `token/ISSUER/SUBJECT` */
  readonly id: string;
  /** its name in the audit log; null if callers may choose a name */
  readonly actor: string | null;
  readonly grants: readonly Grant[];
  readonly limits: AccessLimits;
  /** ids of the principals whose producers it takes over */
  readonly replaces?: readonly string[];
}

/** The principal while authentication is off: anyone on this machine, with every permission. */
export const OPEN: Principal = {
  id: 'open',
  actor: null,
  grants: [{ role: 'admin', namespace: '*' }],
  limits: {},
};
