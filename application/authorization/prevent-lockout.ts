/**
 * Keeps a platform from losing its last administrator: the first key, created while callers are not
 * authenticated, must be able to create other keys, and the last key that can is not revoked.
 */
import type { Keys } from '#domain/api/keys.ts';
import { may } from '#domain/authorization/grants.ts';
import { OPEN } from '#domain/authorization/principal.ts';
import { fail } from '#domain/errors.ts';
import type { AccessOptions } from '#domain/ports/access.ts';
import type { KeyIndex, KnownKey } from '#projections/keys/key-index.ts';

const createsKeys = ({
  grants,
  revokedAt,
  expiresAt,
}: Pick<KnownKey, 'grants' | 'revokedAt' | 'expiresAt'>): boolean =>
  revokedAt === null && expiresAt === null && may(grants, 'keys', '*');

/** @param configured whether this process has another way to authenticate an administrator */
export const preventLockout = (
  keys: Keys,
  index: Pick<KeyIndex, 'all'>,
  authentication: AccessOptions['authentication'],
  configured: boolean,
): Keys => ({
  ...keys,
  async create(request, caller) {
    const lasting = request.expiresAt === undefined && request.grants.includes('admin@*');
    const isFirst =
      caller.principal === OPEN && authentication === 'auto' && !index.all().some(createsKeys);
    if (isFirst && !lasting)
      fail(
        'MR_REFUSED',
        'from the first key on, every caller needs a key, so the first one must be able to create others: give it the grant admin@* and no expiry',
      );
    return keys.create(request, caller);
  },
  async revoke(id, reason, caller) {
    const administrators = index.all().filter(createsKeys);
    const isLast = administrators.length === 1 && administrators[0]?.id === id;
    if (!configured && authentication !== 'off' && isLast)
      fail(
        'MR_REFUSED',
        `key ${id} is the last key with admin@* and no expiry: create another one first, or no key can be created any more`,
        { id },
      );
    return keys.revoke(id, reason, caller);
  },
});
