/** Authorization of API keys. A key belongs to the namespaces of its grants. */
import type { Keys } from '#domain/api/keys.ts';
import { may } from '#domain/authorization/grants.ts';
import type { Checks } from './checks.ts';
import type { Resource } from './resources.ts';

const keyResources = (grants: readonly string[], key: string): readonly Resource[] =>
  grants.map((grant) => ({
    id: `access-key/${key}`,
    namespace: grant.slice(grant.indexOf('@') + 1),
  }));

export const authorizeKeys = (keys: Keys, { authorize }: Checks): Keys => ({
  async create(request, caller) {
    authorize(caller, 'keys', keyResources(request.grants, request.name));
    return keys.create(request, caller);
  },
  async list(caller) {
    const { grants } = authorize(caller, 'keys', []);
    return (await keys.list(caller)).filter((key) =>
      keyResources(key.grants, key.id).every(({ namespace }) => may(grants, 'keys', namespace)),
    );
  },
  async revoke(id, options, caller) {
    authorize(caller, 'keys', []);
    const key = (await keys.list(caller)).find((one) => one.id === id);
    authorize(caller, 'keys', keyResources(key?.grants ?? [], id));
    return keys.revoke(id, options, caller);
  },
});
