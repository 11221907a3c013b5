/**
 * Authentication: from credentials to a principal. A key is looked up by its id, and the hash of
 * its secret is compared in constant time; a token is verified. The principal is cached by the text
 * of the credentials, until a key changes or the credentials expire, so that most requests cost one
 * look-up in a map.
 */
import { timingSafeEqual } from 'node:crypto';
import { isKeyStream, keyStream } from '#domain/authorization/keys.ts';
import { OPEN, type Principal } from '#domain/authorization/principal.ts';
import { hasCode, MillraceError } from '#domain/errors.ts';
import type {
  AccessOptions,
  AccessRefusal,
  Credentials,
  VerifiedToken,
} from '#domain/ports/access.ts';
import type { KeyIndex, KnownKey } from '#projections/keys/key-index.ts';
import type { Rates } from './rates.ts';
import type { Refusals } from './refusals.ts';
import { hashOf } from './secret-hash.ts';
import { tokenBuckets } from './token-buckets.ts';

interface AuthenticateDependencies {
  readonly keys: KeyIndex;
  readonly options: AccessOptions;
  readonly authenticationRequired: () => boolean;
  readonly rates: Rates;
  readonly refusals: Pick<Refusals, 'record'>;
  readonly now: () => number;
}

interface Authenticator {
  readonly authenticate: (credentials: Credentials) => Principal | Promise<Principal>;
  /** Whether the credentials of an authenticated principal are still valid: for long work. */
  readonly holds: (principal: Principal) => boolean;
}

interface Authenticated {
  readonly principal: Principal;
  /** epoch ms */
  readonly until: number;
}

const KEY = /^mr_([0-9a-f]{12})_([\w-]{43})$/;
const MAX_CACHED = 10_000;
/**
 * How long a verified token is cached before it is verified again with the issuer's keys, which are
 * cached as long themselves (infra/tokens): a withdrawn key works for at most the sum.
 */
const TOKEN_CACHED_MS = 150_000;
/** Failed attempts of one address; a person who mistypes a key stays below. */
const FAILURES_PER_SECOND = 0.5;
const FAILURES_AT_ONCE = 20;

const sameHash = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1'));

const ADMIN: Principal = { id: 'admin-key', actor: 'admin-key', grants: OPEN.grants, limits: {} };

export const createAuthenticator = ({
  keys,
  options,
  authenticationRequired,
  rates,
  refusals,
  now,
}: AuthenticateDependencies): Authenticator => {
  const adminHash = options.adminKey === undefined ? null : hashOf(options.adminKey);
  /** by the text of the credentials */
  const authenticated = new Map<string, Authenticated>();
  /** when the token of a principal expires, epoch ms */
  const tokens = new WeakMap<Principal, number>();
  const failures = tokenBuckets();
  let epoch = -1;

  const remember = (text: string, principal: Principal, until: number): Principal => {
    if (authenticated.size >= MAX_CACHED)
      authenticated.delete(authenticated.keys().next().value as string);
    authenticated.set(text, { principal, until });
    return principal;
  };

  const refuse = (
    why: string,
    address: string | undefined,
    by: Pick<AccessRefusal, 'actor' | 'principal'> = { actor: 'unauthenticated' },
  ): never => {
    const wait = failures.take(
      address ?? '',
      FAILURES_PER_SECOND,
      options.failuresAtOnce ?? FAILURES_AT_ONCE,
      now(),
    );
    const error =
      wait === 0
        ? new MillraceError('MR_UNAUTHENTICATED', why)
        : new MillraceError('MR_RATE_LIMITED', `too many failed attempts from ${address}: ${why}`, {
            retryAfterMs: wait,
          });
    const subject = `address/${address ?? 'unknown'}`;
    refusals.record({
      ...by,
      ...(address === undefined ? {} : { address }),
      beforeAuthentication: true,
      command: 'Authenticate',
      subject,
      code: error.code,
      message: error.message,
    });
    throw error;
  };

  /** The keys that a key replaces, and those that they replaced. */
  const replacedBy = ({ replaces }: KnownKey): readonly string[] => {
    const found: string[] = [];
    for (let id = replaces; id !== undefined && !found.includes(keyStream(id)); ) {
      found.push(keyStream(id));
      id = keys.key(id)?.replaces;
    }
    return found;
  };

  const ofKey = (
    id: string,
    secret: string,
    text: string,
    address: string | undefined,
  ): Principal => {
    const key = keys.key(id);
    if (key === null || !sameHash(hashOf(secret), key.hash))
      return refuse('the key that was shown is not one of this platform', address);
    const refuseKey = (why: string): never =>
      refuse(`key ${id} ("${key.name}") ${why}`, address, {
        actor: key.name,
        principal: keyStream(id),
      });
    if (key.revokedAt !== null)
      return refuseKey(`was revoked at ${new Date(key.revokedAt).toISOString()}`);
    const until = key.expiresAt ?? Number.POSITIVE_INFINITY;
    if (now() >= until) return refuseKey(`expired at ${new Date(until).toISOString()}`);
    return remember(
      text,
      {
        id: keyStream(id),
        actor: key.name,
        grants: key.grants,
        limits: key.limits,
        replaces: replacedBy(key),
      },
      until,
    );
  };

  const ofToken = async (
    token: string,
    text: string,
    address: string | undefined,
  ): Promise<Principal> => {
    let verified: VerifiedToken | null;
    try {
      verified = (await options.verifyToken?.(token)) ?? null;
    } catch (error) {
      if (hasCode(error, 'MR_UNAUTHENTICATED')) return refuse(error.message, address);
      throw error;
    }
    if (verified === null)
      return refuse(
        'what was shown is neither a key of this platform nor a token that it takes',
        address,
      );
    const { issuer, subject, grants, expiresAt } = verified;
    // A subject is unique within its issuer only, and could be the name of a key.
    const actor = `${issuer.replace(/\/$/, '')}/${subject}`;
    const principal = { id: `token/${issuer}/${subject}`, actor, grants, limits: {} };
    tokens.set(principal, expiresAt);
    return remember(text, principal, Math.min(expiresAt, now() + TOKEN_CACHED_MS));
  };

  const identify = (
    authorization: string,
    address: string | undefined,
  ): Principal | Promise<Principal> => {
    const [, shown] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
    if (shown === undefined)
      return refuse('the header "authorization" must be `Bearer KEY`', address);
    const [, id, secret] = KEY.exec(shown) ?? [];
    if (id !== undefined && secret !== undefined) return ofKey(id, secret, authorization, address);
    if (adminHash !== null && sameHash(hashOf(shown), adminHash))
      return remember(authorization, ADMIN, Number.POSITIVE_INFINITY);
    return ofToken(shown, authorization, address);
  };

  const counted = (principal: Principal, address: string | undefined): Principal => {
    try {
      rates.request(principal);
    } catch (error) {
      const { code, message } = error as MillraceError;
      const from = address === undefined ? {} : { address };
      refusals.record({
        actor: principal.actor ?? '',
        principal: principal.id,
        command: 'Request',
        subject: principal.id,
        code,
        message,
        ...from,
      });
      throw error;
    }
    return principal;
  };

  const isValid = (key: KnownKey | null): boolean =>
    key !== null && key.revokedAt === null && (key.expiresAt === null || now() < key.expiresAt);

  return {
    authenticate({ authorization, address }) {
      if (!authenticationRequired()) return OPEN;
      if (authorization === undefined)
        return refuse(
          'this platform asks for a key: send it as the header `authorization: Bearer KEY`',
          address,
        );
      if (keys.epoch() !== epoch) {
        authenticated.clear();
        epoch = keys.epoch();
      }
      const found = authenticated.get(authorization);
      if (found !== undefined && now() < found.until) return counted(found.principal, address);
      const principal = identify(authorization, address);
      return principal instanceof Promise
        ? principal.then((one) => counted(one, address))
        : counted(principal, address);
    },
    holds(principal) {
      if (!authenticationRequired()) return true;
      if (isKeyStream(principal.id))
        return isValid(keys.key(principal.id.slice(principal.id.indexOf('/') + 1)));
      const until = tokens.get(principal);
      return until === undefined ? principal === ADMIN : now() < until;
    },
  };
};
