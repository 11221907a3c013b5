/**
 * What administrators can request of API keys. Times are epoch ms; refusals are thrown as
 * MillraceError.
 */
import type { AccessLimits } from '#domain/authorization/principal.ts';
import type { Caller } from './caller.ts';

export interface KeyRequest {
  readonly name: string;
  /** as `reader@payments`, `admin@*` */
  readonly grants: readonly string[];
  readonly limits?: AccessLimits;
  /** epoch ms; absent: until it is revoked */
  readonly expiresAt?: number;
  /** id of the key that it replaces: it takes over its producers */
  readonly replaces?: string;
  readonly reason?: string;
}

export interface KeyInfo {
  readonly id: string;
  readonly name: string;
  readonly grants: readonly string[];
  readonly limits: AccessLimits;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  readonly revokedBy: string | null;
  /** id of the key that it replaces */
  readonly replaces?: string;
}

export interface CreatedKey extends KeyInfo {
  /** the key itself: it is not stored, and not shown again */
  readonly key: string;
}

/** API keys. */
export interface Keys {
  create(request: KeyRequest, caller: Caller): Promise<CreatedKey>;
  /** Oldest first, revoked keys included. */
  list(caller?: Caller): Promise<readonly KeyInfo[]>;
  revoke(id: string, options: { readonly reason?: string }, caller: Caller): Promise<KeyInfo>;
}
