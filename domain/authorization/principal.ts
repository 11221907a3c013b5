/**
 * Who a caller has shown to be: a key, a token's subject, or anyone where keys are not asked for.
 */
import type { Grant } from './grants.ts';

/** Each absent: without that limit. Over it: MR_RATE_LIMITED, MR_QUOTA_EXCEEDED. */
export interface AccessLimits {
  readonly requestsPerSecond?: number;
  /** requests at once; default: those of a second */
  readonly burst?: number;
  readonly eventsPerDay?: number;
  /** rows read: entities of a read, rows of a data set or a batch */
  readonly rowsPerDay?: number;
}

export interface Principal {
  /** unique over all kinds of principals: `access-key/3f…`, `token/ISSUER/SUBJECT` */
  readonly id: string;
  /** its name in the audit log; null where anyone may name himself */
  readonly actor: string | null;
  readonly grants: readonly Grant[];
  readonly limits: AccessLimits;
}

/** Where keys are not asked for: anyone on this machine, for everything. */
export const OPEN: Principal = {
  id: 'open',
  actor: null,
  grants: [{ role: 'admin', namespace: '*' }],
  limits: {},
};
