/** API keys. A secret is created here, returned once, and never stored: its hash is. */
import { randomBytes } from 'node:crypto';
import type { CommandBus } from '#commands/command-bus.ts';
import type { KeyInfo, Keys } from '#domain/api/keys.ts';
import type { ProposedKey } from '#domain/approval/request.ts';
import { formatGrant } from '#domain/authorization/grants.ts';
import { keyWishOf } from '#domain/authorization/keys.ts';
import { fail } from '#domain/errors.ts';
import type { KeyIndex, KnownKey } from '#projections/keys/key-index.ts';
import type { Proposals } from './approvals/proposals.ts';
import { hashOf } from './authorization/secret-hash.ts';

const ID_BYTES = 6;
const SECRET_BYTES = 32;

const infoOf = ({ hash: _, grants, ...key }: KnownKey): KeyInfo => ({
  ...key,
  grants: grants.map(formatGrant),
});

export const createKeys = (
  keys: KeyIndex,
  bus: Pick<CommandBus, 'key'>,
  proposals: Proposals,
): Keys => {
  const infoById = (id: string): KeyInfo =>
    infoOf(
      keys.key(id) ?? fail('MR_INTERNAL', `key "${id}" was created and is not in the key index`),
    );
  const proposedKey = (
    id: string,
    { replaces, grants, ...wish }: ReturnType<typeof keyWishOf>,
  ): ProposedKey => ({
    id,
    ...wish,
    grants: grants.map(formatGrant),
    ...(replaces === undefined
      ? {}
      : { replaced: { id: replaces, grants: infoById(replaces).grants } }),
  });
  return {
    async create(request, caller) {
      const wish = keyWishOf(request);
      if (wish.replaces !== undefined && keys.key(wish.replaces) === null)
        fail('MR_NOT_FOUND', `there is no key "${wish.replaces}" to replace`, {
          id: wish.replaces,
        });
      const id = randomBytes(ID_BYTES).toString('hex');
      const secret = randomBytes(SECRET_BYTES).toString('base64url');
      const [key, hash] = [`mr_${id}_${secret}`, hashOf(secret)];
      const by = { caller, reason: request.reason };
      await proposals.orPropose(
        () => bus.key({ type: 'CreateKey', id, hash, ...wish }, by),
        () => ({ type: 'key', key: proposedKey(id, wish), hash }),
        // Who approves a key must not have it; until then, it is not accepted.
        { ...by, details: { id, key } },
      );
      return { ...infoById(id), key };
    },
    list: async () => keys.all().map(infoOf),
    async revoke(id, { reason }, caller) {
      await bus.key({ type: 'RevokeKey', id }, { caller, reason });
      return infoById(id);
    },
  };
};
