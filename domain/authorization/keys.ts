/**
 * API keys: events of streams `access-key/<id>`. Only the SHA-256 of a key's secret (256 random
 * bits) is stored. A revoked key stays in the index, so that the audit log can name it for ever.
 */
import { NAME, NAME_RULE } from '#domain/definitions/names.ts';
import { fail, type Problem } from '#domain/errors.ts';
import { formatGrant, type Grant, parseGrant } from './grants.ts';
import type { AccessLimits } from './principal.ts';

export type KeyEvent =
  | {
      readonly type: 'KeyCreated';
      readonly data: {
        readonly id: string;
        readonly name: string;
        /** SHA-256 of the secret's text, hex */
        readonly hash: string;
        readonly grants: readonly string[];
        readonly limits: AccessLimits;
        /** epoch ms */
        readonly expiresAt: number | null;
        /** id of the key that it replaces */
        readonly replaces?: string;
        readonly at: number;
      };
    }
  | { readonly type: 'KeyRevoked'; readonly data: { readonly id: string; readonly at: number } };

export type KeyCommand =
  | ({ readonly type: 'CreateKey'; readonly hash: string } & KeyWish & { readonly id: string })
  | { readonly type: 'RevokeKey'; readonly id: string };

/** A request for a key, with its values checked. */
interface KeyWish {
  readonly name: string;
  readonly grants: readonly Grant[];
  readonly limits: AccessLimits;
  /** epoch ms; null: valid until revoked */
  readonly expiresAt: number | null;
  /** id of the key that it replaces: it takes over its producers */
  readonly replaces?: string;
}

export interface KeyState extends KeyWish {
  readonly id: string;
  readonly hash: string;
  readonly createdAt: number;
  readonly revokedAt: number | null;
}

export const keyStream = (id: string): string => `access-key/${id}`;
export const isKeyStream = (stream: string): boolean => stream.startsWith('access-key/');

export const evolveKey = (state: KeyState | null, event: KeyEvent): KeyState | null => {
  if (event.type === 'KeyRevoked')
    return state === null ? null : { ...state, revokedAt: event.data.at };
  const { at, grants, ...rest } = event.data;
  return { ...rest, grants: grants.map(parseGrant), createdAt: at, revokedAt: null };
};

type KeyDecision =
  | { readonly outcome: 'accepted'; readonly events: readonly KeyEvent[] }
  | { readonly outcome: 'refused'; readonly problem: Problem };

const refuse = (code: Problem['code'], message: string): KeyDecision => ({
  outcome: 'refused',
  problem: { code, message },
});

export const decideKey = (
  state: KeyState | null,
  command: KeyCommand,
  now: number,
): KeyDecision => {
  if (command.type === 'RevokeKey') {
    if (state === null)
      return refuse(
        'MR_NOT_FOUND',
        `there is no key "${command.id}": \`millrace keys list\` lists the keys`,
      );
    // Revoking a revoked key changes nothing.
    if (state.revokedAt !== null) return { outcome: 'accepted', events: [] };
    return {
      outcome: 'accepted',
      events: [{ type: 'KeyRevoked', data: { id: command.id, at: now } }],
    };
  }
  const { id, name, hash, grants, limits, expiresAt, replaces } = command;
  if (state !== null) return refuse('MR_REFUSED', `there is a key "${id}" already`);
  if (expiresAt !== null && expiresAt <= now)
    return refuse(
      'MR_BODY_INVALID',
      `a key that expires at ${new Date(expiresAt).toISOString()} has expired already`,
    );
  const data = {
    id,
    name,
    hash,
    grants: grants.map(formatGrant),
    limits,
    expiresAt,
    ...(replaces === undefined ? {} : { replaces }),
    at: now,
  };
  return { outcome: 'accepted', events: [{ type: 'KeyCreated', data }] };
};

const LIMITS: readonly (keyof AccessLimits)[] = [
  'requestsPerSecond',
  'burst',
  'eventsPerDay',
  'rowsPerDay',
];
const MAX_GRANTS = 100;
/**
 * Actor names in the audit log that are not keys. A key with such a name could be mistaken for the
 * platform.
 */
export const RESERVED: ReadonlySet<string> = new Set([
  'millrace',
  'admin-key',
  'unauthenticated',
  'nobody',
  'various',
  'page',
]);

const limitsOf = (limits: Readonly<Record<string, unknown>>): AccessLimits => {
  for (const [limit, value] of Object.entries(limits)) {
    if (!(LIMITS as readonly string[]).includes(limit))
      fail('MR_BODY_INVALID', `there is no limit "${limit}"; the limits are ${LIMITS.join(', ')}`, {
        limit,
      });
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1)
      fail(
        'MR_BODY_INVALID',
        `"limits.${limit}" must be a whole number from 1, but is ${JSON.stringify(value)}`,
        { limit },
      );
  }
  if (limits.burst !== undefined && limits.requestsPerSecond === undefined)
    fail('MR_BODY_INVALID', '"limits.burst" needs "limits.requestsPerSecond", which is missing');
  return limits as AccessLimits;
};

/** @throws MillraceError MR_BODY_INVALID that names the part */
export const keyWishOf = (request: {
  readonly name: string;
  readonly grants: readonly string[];
  readonly limits?: AccessLimits;
  readonly expiresAt?: number;
  readonly replaces?: string;
}): KeyWish => {
  const { name, grants, limits = {}, expiresAt = null, replaces } = request;
  if (!NAME.test(name))
    fail('MR_BODY_INVALID', `a key's name must be ${NAME_RULE}, not ${JSON.stringify(name)}`, {
      name,
    });
  if (RESERVED.has(name))
    fail(
      'MR_BODY_INVALID',
      `a key cannot be named "${name}": the audit log uses that name for the platform`,
      { name },
    );
  if (grants.length === 0 || grants.length > MAX_GRANTS)
    fail(
      'MR_BODY_INVALID',
      `a key has 1 to ${MAX_GRANTS} grants, such as "reader@default" or "admin@*"; this one has ${grants.length}`,
    );
  const unique = [...new Set(grants)].map(parseGrant);
  return {
    name,
    grants: unique,
    limits: limitsOf(limits as Readonly<Record<string, unknown>>),
    expiresAt,
    ...(replaces === undefined ? {} : { replaces }),
  };
};

/** @throws MillraceError MR_BODY_INVALID where the key could be guessed */
export const checkAdminKey = (key: string): string =>
  key.length >= 32 && /^[\x21-\x7e]+$/.test(key)
    ? key
    : fail(
        'MR_BODY_INVALID',
        'an admin key must have at least 32 printable characters without spaces: `openssl rand -hex 32` makes one',
      );
