/**
 * How a rule is asked: of a caller, for an action, on the things that it touches. A refusal goes to
 * the audit before it is thrown.
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

export const NOBODY: Principal = { id: 'nobody', actor: 'nobody', grants: [], limits: {} };
/** What is of no namespace: only a grant everywhere will do. */
export const PLATFORM: readonly Resource[] = [{ id: 'platform/millrace', namespace: EVERYWHERE }];

/** What the methods of the guard ask with. */
export interface Authorizer {
  /**
   * @throws MR_FORBIDDEN; where nothing is touched, for the name is not registered: unless he may
   * somewhere
   */
  readonly authorize: (
    caller: Caller | undefined,
    action: Action,
    resources: readonly Resource[],
  ) => Principal;
  /** for lists: whether he may see anything at all, and then what */
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
      const principal = caller?.principal ?? NOBODY;
      const { grants } = principal;
      for (const resource of resources)
        if (!may(grants, action, resource.namespace)) refuse(caller, action, resource);
      if (resources.length === 0 && !maySomewhere(grants, action))
        refuse(caller, action, PLATFORM[0] as Resource);
      return principal;
    },
    visibleNamespaces(caller, action) {
      const { grants } = caller?.principal ?? NOBODY;
      if (!maySomewhere(grants, action)) refuse(caller, action, PLATFORM[0] as Resource);
      if (may(grants, action, EVERYWHERE)) return () => true;
      return (namespace) => namespace !== null && may(grants, action, namespace);
    },
  };
};
