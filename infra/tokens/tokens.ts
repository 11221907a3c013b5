/**
 * Tokens (JWT) of an issuer, whose public keys are a JWKS at an address or in a file. Only
 * asymmetric signatures are taken, so that nobody signs with a public key as if it were a secret;
 * issuer, audience and an end are required. jose keeps the keys that it has fetched, looks again
 * when a token names one that it does not know (at most every half minute), and takes the new one:
 * a rotation needs no restart.
 */
import { readFileSync } from 'node:fs';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
} from 'jose';
import { type Grant, readGrant } from '#domain/authorization/grants.ts';
import { fail, MillraceError } from '#domain/errors.ts';
import type { VerifiedToken } from '#domain/ports/access.ts';

export interface TokenOptions {
  readonly issuer: string;
  readonly audience: string;
  /** http(s) address, or a file */
  readonly jwks: string;
  /** the claim that has the grants: a list, or a text with spaces; dots go into objects */
  readonly claim: string;
  readonly cooldownMs?: number;
}

const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
/** Between the issuer's clock and ours. */
const TOLERANCE_S = 30;
const COOLDOWN_MS = 30_000;
const FETCH_MS = 5_000;

const keySet = ({
  jwks,
  cooldownMs = COOLDOWN_MS,
}: TokenOptions): ReturnType<typeof createRemoteJWKSet> => {
  if (/^https?:/.test(jwks))
    return createRemoteJWKSet(new URL(jwks), {
      cooldownDuration: cooldownMs,
      cacheMaxAge: 600_000,
      timeoutDuration: FETCH_MS,
    });
  try {
    return createLocalJWKSet(JSON.parse(readFileSync(jwks, 'utf8')) as JSONWebKeySet) as ReturnType<
      typeof createRemoteJWKSet
    >;
  } catch (error) {
    return fail('MR_FILE_INVALID', `--jwks ${jwks} is no JWKS: ${(error as Error).message}`, {
      file: jwks,
    });
  }
};

const claimAt = (payload: JWTPayload, path: string): unknown => {
  // A name with dots in it, such as "https://example.org/roles", is first taken as it stands.
  if (Object.hasOwn(payload, path)) return payload[path];
  return path
    .split('.')
    .reduce<unknown>(
      (at, name) =>
        typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[name] : undefined,
      payload,
    );
};

/** What is no grant is not ours: identity providers put other words beside them. */
const grantsOf = (claim: unknown): readonly Grant[] => {
  const words = typeof claim === 'string' ? claim.split(/\s+/) : Array.isArray(claim) ? claim : [];
  return words.flatMap((word) => (typeof word === 'string' ? (readGrant(word) ?? []) : []));
};

const looksLikeToken = (text: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]*$/.test(text);

export const createTokenVerifier = (
  options: TokenOptions,
): ((token: string) => Promise<VerifiedToken | null>) => {
  const keys = keySet(options);
  const expected = {
    issuer: options.issuer,
    audience: options.audience,
    algorithms: ALGORITHMS,
    clockTolerance: TOLERANCE_S,
  };
  return async (token) => {
    if (!looksLikeToken(token)) return null;
    try {
      const { payload } = await jwtVerify(token, keys, {
        ...expected,
        requiredClaims: ['exp', 'sub'],
      });
      const { sub = '', exp = 0 } = payload;
      const grants = grantsOf(claimAt(payload, options.claim));
      return {
        issuer: options.issuer,
        subject: sub,
        grants,
        expiresAt: (exp + TOLERANCE_S) * 1000,
      };
    } catch (error) {
      // What jose has no name for is an answer of the issuer that is no JWKS.
      if (
        error instanceof errors.JWKSTimeout ||
        !(error instanceof errors.JOSEError) ||
        error.code === 'ERR_JOSE_GENERIC'
      )
        throw new MillraceError(
          'MR_UNAVAILABLE',
          `the keys of ${options.issuer} cannot be had from ${options.jwks}: ${String(error)}`,
          {
            jwks: options.jwks,
          },
        );
      throw new MillraceError('MR_UNAUTHENTICATED', `the token is not taken: ${error.message}`, {
        reason: error.code,
      });
    }
  };
};
