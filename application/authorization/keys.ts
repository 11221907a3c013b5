/** Authorization of API keys. A key belongs to the namespaces of its grants. */
import type { Caller } from '#domain/api/caller.ts';
import type { Keys } from '#domain/api/keys.ts';
import { may } from '#domain/authorization/grants.ts';
import type { Checks } from './checks.ts';
import type { Resource } from './resources.ts';

const namespaceOf = (grant: string): string => grant.slice(grant.indexOf('@') + 1);
const keyResources = (grants: readonly string[], key: string): readonly Resource[] =>
  grants.map((grant) => ({ id: `access-key/${key}`, namespace: namespaceOf(grant) }));

export const authorizeKeys = (keys: Keys, { authorize }: Checks): Keys => {
  const authorizeKey = async (id: string, caller: Caller): Promise<void> => {
    authorize(caller, 'keys', []);
    const key = (await keys.list(caller)).find((one) => one.id === id);
    const touched = key === undefined ? null : keyResources(key.grants, id);
    authorize(caller, 'keys', touched ?? [{ id: `access-key/${id}`, namespace: null }]);
  };
  return {
    async create(request, caller) {
      const wanted = keyResources(request.grants, request.name);
      authorize(
        caller,
        'keys',
        wanted.map((one): Resource => ({ ...one, given: true })),
      );
      if (request.replaces !== undefined) await authorizeKey(request.replaces, caller);
      return keys.create(request, caller);
    },
    async list(caller) {
      const { grants } = authorize(caller, 'keys', []);
      return (await keys.list(caller)).filter((key) =>
        key.grants.every((grant) => may(grants, 'keys', namespaceOf(grant))),
      );
    },
    async revoke(id, options, caller) {
      await authorizeKey(id, caller);
      return keys.revoke(id, options, caller);
    },
  };
};
