/**
 * Access of gateways to the platform. A gateway passes on the credentials of a caller;
 * authentication, authorization and rate limits are decided here, for all protocols.
 */

import type { Grant } from '#domain/authorization/grants.ts';
import type { AccessLog, AccessSamples } from './access-log.ts';

export interface Credentials {
  /** `Bearer KEY`: an API key or a token, as in the header */
  readonly authorization: string | undefined;
  /** the address that the connection comes from */
  readonly address: string | undefined;
}

export interface AccessRefusal {
  readonly actor: string;
  /** id of the principal; absent: not authenticated */
  readonly principal?: string;
  /** in the imperative: what was requested */
  readonly command: string;
  /** kind/name of the resource */
  readonly subject: string;
  readonly code: string;
  readonly message: string;
  readonly address?: string;
  /** whether the caller was not authenticated yet: anybody can cause it */
  readonly beforeAuthentication?: true;
}

/** A token whose signature, issuer, audience and expiry are valid. */
export interface VerifiedToken {
  readonly issuer: string;
  readonly subject: string;
  readonly grants: readonly Grant[];
  /** epoch ms */
  readonly expiresAt: number;
}

export interface AccessOptions {
  /** `auto`: required from the moment at which a key exists or another way is configured */
  readonly authentication: 'auto' | 'required' | 'off';
  /** a key with the grant admin@* in this process, in addition to those of the registry */
  readonly adminKey?: string;
  /** @returns null: not a token; throws MR_UNAUTHENTICATED where the token is not valid */
  readonly verifyToken?: (token: string) => Promise<VerifiedToken | null>;
  /** how many failed attempts one address may make at once before MR_RATE_LIMITED; default 20 */
  readonly failuresAtOnce?: number;
  /** whether metrics may be read without authentication; default false */
  readonly openMetrics?: boolean;
  /** absent: reads are not logged */
  readonly accessLog?: { readonly log: AccessLog; readonly samples: AccessSamples };
}
