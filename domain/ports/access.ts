/**
 * What stands between the gateways and the platform. A gateway says what a caller has shown; who
 * that is, whether he may, and how often, is decided here, in one place, for all protocols.
 */

import type { Platform } from '#domain/api/platform.ts';
import type { Grant } from '#domain/authorization/grants.ts';
import type { Principal } from '#domain/authorization/principal.ts';

export interface Credentials {
  /** `Bearer KEY`: an API key or a token, as the header has it */
  readonly authorization: string | undefined;
  /** where the connection comes from */
  readonly address: string | undefined;
}

export interface Access {
  /**
   * The platform, each of whose methods asks what its caller may do; one that names none is
   * refused.
   */
  readonly platform: Platform;
  /**
   * Whether callers must show a key. Where it is decided by there being keys, it never goes back.
   */
  readonly authenticationRequired: () => boolean;
  /**
   * Who asks; counts as one request of his. Of one who was seen before, at once and without a
   * promise.
   * @throws MR_UNAUTHENTICATED, MR_RATE_LIMITED
   */
  readonly authenticate: (credentials: Credentials) => Principal | Promise<Principal>;
  /** whether anyone may read the metrics: their route asks nobody */
  readonly openMetrics: boolean;
  /** What a gateway refused by itself, for the audit. */
  readonly refused: (refusal: AccessRefusal) => void;
  /** Resolves when all refusals so far are in the audit's store. */
  readonly close: () => Promise<void>;
}

export interface AccessRefusal {
  readonly actor: string;
  /** imperative: what was asked for */
  readonly command: string;
  /** kind/name of what it was asked of */
  readonly subject: string;
  readonly code: string;
  readonly message: string;
  readonly address?: string;
}

/** A token that was found to be good. */
export interface VerifiedToken {
  readonly issuer: string;
  readonly subject: string;
  readonly grants: readonly Grant[];
  /** epoch ms */
  readonly expiresAt: number;
}

export interface AccessOptions {
  /** `auto`: as soon as there is a key, or a way to show who one is is configured here */
  readonly authentication: 'auto' | 'keys' | 'open';
  /** a key that is admin everywhere in this process, beside those of the registry */
  readonly adminKey?: string;
  /**
   * @returns null where it is no token of ours to judge; throws MR_UNAUTHENTICATED where it is none
   * to be trusted
   */
  readonly verifyToken?: (token: string) => Promise<VerifiedToken | null>;
  /**
   * failed attempts of one address at once, before they are answered with MR_RATE_LIMITED; default
   * 20
   */
  readonly failuresAtOnce?: number;
  /** whether anyone may read the metrics */
  readonly openMetrics?: boolean;
}
