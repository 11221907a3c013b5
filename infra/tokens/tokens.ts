/**
 * Tokens (JWT) of an issuer whose public keys are a JWKS at an address or in a file. Only
 * asymmetric signatures are accepted, so a token cannot be signed with a public key as if it were a
 * secret; issuer, audience and expiry are required. jose caches the keys and fetches them again
 * when a token names an unknown one (at most every 30 s), so a key rotation needs no restart.
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

interface TokenOptions {
  readonly issuer: string;
  readonly audience: string;
  /** http(s) address, or a file */
  readonly jwks: string;
  /** the claim with the grants, a list or a text with spaces; dots lead into objects */
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
/** Tolerated difference between the issuer's clock and this one. */
const TOLERANCE_S = 30;
const COOLDOWN_MS = 30_000;
const FETCH_MS = 5_000;
/** With the time that a verified token is cached for, at most five minutes. */
const KEYS_CACHED_MS = 150_000;

const keySet = ({
  jwks,
  cooldownMs = COOLDOWN_MS,
}: TokenOptions): ReturnType<typeof createRemoteJWKSet> => {
  if (/^https?:/.test(jwks))
    return createRemoteJWKSet(new URL(jwks), {
      cooldownDuration: cooldownMs,
      cacheMaxAge: KEYS_CACHED_MS,
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
  // A claim whose own name has dots, such as "https://example.org/roles", comes first.
  if (Object.hasOwn(payload, path)) return payload[path];
  return path
    .split('.')
    .reduce<unknown>(
      (at, name) =>
        typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[name] : undefined,
      payload,
    );
};

/** Words that are not grants are ignored: identity providers add others. */
const grantsOf = (claim: unknown): readonly Grant[] => {
  const words = typeof claim === 'string' ? claim.split(/\s+/) : Array.isArray(claim) ? claim : [];
  return words.flatMap((word) => (typeof word === 'string' ? (readGrant(word) ?? []) : []));
};

const MAX_SUBJECT = 200;

/**
 * The name that the audit log and terminals show: text without control, format or separator
 * characters, which could pass for another name or drive a terminal.
 */
const subjectOf = (sub: unknown): string =>
  typeof sub === 'string' && /\S/.test(sub) && sub.length <= MAX_SUBJECT && !BAD_CHARACTER.test(sub)
    ? sub
    : fail(
        'MR_UNAUTHENTICATED',
        `the token is not valid: its "sub" must be a text of 1 to ${MAX_SUBJECT} printable characters`,
        { reason: 'sub' },
      );
const BAD_CHARACTER = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

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
      const { exp = 0 } = payload;
      const sub = subjectOf(payload.sub);
      const grants = grantsOf(claimAt(payload, options.claim));
      return {
        issuer: options.issuer,
        subject: sub,
        grants,
        expiresAt: (exp + TOLERANCE_S) * 1000,
      };
    } catch (error) {
      if (error instanceof MillraceError) throw error;
      // An error without a name of jose's: the issuer's answer is not a JWKS.
      if (
        error instanceof errors.JWKSTimeout ||
        !(error instanceof errors.JOSEError) ||
        error.code === 'ERR_JOSE_GENERIC'
      )
        throw new MillraceError(
          'MR_UNAVAILABLE',
          `the keys of ${options.issuer} cannot be fetched from ${options.jwks}: ${String(error)}`,
          {
            jwks: options.jwks,
          },
        );
      throw new MillraceError('MR_UNAUTHENTICATED', `the token is not valid: ${error.message}`, {
        reason: error.code,
      });
    }
  };
};
