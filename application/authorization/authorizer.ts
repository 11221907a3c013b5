/**
 * Checks whether a caller may do an action on the resources that it touches. A refusal is recorded
 * for the audit log before it is thrown.
 */

import type { Caller } from '#domain/api/caller.ts';
import {
  type Action,
  EVERYWHERE,
  may,
  maySomewhere,
  neededRoles,
} from '#domain/authorization/grants.ts';
import type { Principal } from '#domain/authorization/principal.ts';
import { fail } from '#domain/errors.ts';
import type { Refusals } from './refusals.ts';
import type { Resource } from './resources.ts';

/** A caller without a principal. Stored refusals name it so. */
export const ANONYMOUS: Principal = { id: 'nobody', actor: 'nobody', grants: [], limits: {} };
/** Resources that belong to no namespace: only a grant in all namespaces is enough. */
export const PLATFORM: readonly Resource[] = [{ id: 'platform/millrace', namespace: EVERYWHERE }];

export interface Authorizer {
  /**
   * @param resources empty where the name is not registered: then a grant in any namespace is
   * enough
   * @throws MR_FORBIDDEN
   */
  readonly authorize: (
    caller: Caller | undefined,
    action: Action,
    resources: readonly Resource[],
  ) => Principal;
  /**
   * For lists: a test whether the caller may see a namespace.
   * @throws MR_FORBIDDEN where the caller may see none
   */
  readonly visibleNamespaces: (
    caller: Caller | undefined,
    action: Action,
  ) => (namespace: string | null) => boolean;
}

export const createAuthorizer = (refusals: Pick<Refusals, 'record'>): Authorizer => {
  const refuse = (
    caller: Caller | undefined,
    action: Action,
    { id, namespace }: Resource,
  ): never => {
    const where =
      namespace === EVERYWHERE ? 'on the platform as a whole' : `of namespace "${namespace}"`;
    const actor = caller?.actor ?? 'nobody';
    const wanted = neededRoles(action).map((role) => `${role}@${namespace}`);
    const what = id === 'platform/millrace' ? '' : `${id} `;
    const message = `"${actor}" may not ${action} ${what}${where}: that takes ${wanted.join(' or ')}`;
    const details = { action, namespace, subject: id };
    refusals.record({ actor, command: action, subject: id, code: 'MR_FORBIDDEN', message });
    return fail('MR_FORBIDDEN', message, details);
  };
  return {
    authorize(caller, action, resources) {
      const principal = caller?.principal ?? ANONYMOUS;
      const { grants } = principal;
      for (const resource of resources)
        if (!may(grants, action, resource.namespace)) refuse(caller, action, resource);
      if (resources.length === 0 && !maySomewhere(grants, action))
        refuse(caller, action, PLATFORM[0] as Resource);
      return principal;
    },
    visibleNamespaces(caller, action) {
      const { grants } = caller?.principal ?? ANONYMOUS;
      if (!maySomewhere(grants, action)) refuse(caller, action, PLATFORM[0] as Resource);
      if (may(grants, action, EVERYWHERE)) return () => true;
      return (namespace) => namespace !== null && may(grants, action, namespace);
    },
  };
};
