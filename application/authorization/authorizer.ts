/**
 * Checks whether a caller may do an action on the resources that it touches. A refusal is recorded
 * for the audit log before it is thrown.
 */

import { type Caller, recordedCaller } from '#domain/api/caller.ts';
import {
  type Action,
  EVERYWHERE,
  may,
  maySomewhere,
  neededRoles,
} from '#domain/authorization/grants.ts';
import type { Principal } from '#domain/authorization/principal.ts';
import { fail } from '#domain/errors.ts';
import { suggestion } from '#domain/values/did-you-mean.ts';
import type { Refusals } from './refusals.ts';
import type { Resource, Resources } from './resources.ts';

/** A caller without a principal. Stored refusals name it so. */
export const ANONYMOUS: Principal = { id: 'nobody', actor: 'nobody', grants: [], limits: {} };
/** Resources that belong to no namespace: only a grant in all namespaces is enough. */
export const PLATFORM: readonly Resource[] = [
  { id: 'platform/millrace', namespace: EVERYWHERE, given: true },
];

/** Whether a caller may know of a namespace: any role in it is enough. */
export const sees = (caller: Caller | undefined, namespace: string): boolean =>
  may((caller?.principal ?? ANONYMOUS).grants, 'catalog', namespace);

export interface Authorizer {
  /**
   * A caller with a grant in all namespaces passes with a name that is not registered, and gets the
   * area's own answer. To any other caller, such a name and one of a namespace that it may not see
   * are the same.
   * @param resources empty: a grant in any namespace is enough
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
  /**
   * For stored answers, which may be of definitions that the service does not read any more.
   * @param what the service, as kind/name
   * @throws MR_FORBIDDEN, which names nothing that the caller may not see
   */
  readonly authorizeAnswer: (
    caller: Caller | undefined,
    action: Action,
    what: string,
    resources: readonly Resource[],
  ) => void;
}

export const createAuthorizer = (
  refusals: Pick<Refusals, 'record'>,
  names: Resources['names'] = () => [],
): Authorizer => {
  /** @param shown false: the message must not say whether the resource exists */
  const refuse = (
    caller: Caller | undefined,
    action: Action,
    { id, namespace }: Resource,
    shown = true,
    hint = '',
  ): never => {
    const where =
      namespace === EVERYWHERE ? 'on the platform as a whole' : `of namespace "${namespace}"`;
    const actor = caller?.actor ?? 'nobody';
    const wanted = neededRoles(action).map((role) => `${role}@${namespace}`);
    const what = id === 'platform/millrace' ? '' : `${id} `;
    const message = `"${actor}" may not ${action} ${what}${where}: that takes ${wanted.join(' or ')}`;
    if (shown || namespace !== null)
      refusals.record({
        ...(caller === undefined ? { actor } : recordedCaller(caller)),
        command: action,
        subject: id,
        code: 'MR_FORBIDDEN',
        message,
      });
    if (shown) return fail('MR_FORBIDDEN', message, { action, namespace, subject: id });
    // A lookup answers that there is no such name; a use, that the caller may not.
    const code = action === 'catalog' ? 'MR_NOT_FOUND' : 'MR_FORBIDDEN';
    return fail(code, `"${actor}" may not ${action} ${id}: ${hint}`, {
      action,
      subject: id,
    });
  };
  const refuseHidden = (caller: Caller | undefined, action: Action, resource: Resource): never => {
    const { id, wanted = false } = resource;
    if (wanted)
      return refuse(
        caller,
        action,
        resource,
        false,
        'the name is taken in a namespace that this caller may not see, and names are unique across namespaces: choose another name',
      );
    const [kind, name] = [id.slice(0, id.indexOf('/')), id.slice(id.indexOf('/') + 1)];
    const near = suggestion(
      name,
      names(kind, (namespace) => sees(caller, namespace)),
    );
    return refuse(
      caller,
      action,
      resource,
      false,
      `it is not registered, or is in a namespace that this caller may not see${near}`,
    );
  };
  return {
    authorize(caller, action, resources) {
      const principal = caller?.principal ?? ANONYMOUS;
      const { grants } = principal;
      for (const resource of resources) {
        const { namespace, given = false } = resource;
        if (may(grants, action, namespace ?? EVERYWHERE)) continue;
        if (given || (namespace !== null && sees(caller, namespace)))
          return refuse(caller, action, resource);
        if (!maySomewhere(grants, action)) return refuse(caller, action, PLATFORM[0] as Resource);
        return refuseHidden(caller, action, resource);
      }
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
    authorizeAnswer(caller, action, what, resources) {
      const { grants } = caller?.principal ?? ANONYMOUS;
      for (const resource of resources) {
        const { namespace } = resource;
        if (may(grants, action, namespace ?? EVERYWHERE)) continue;
        if (namespace !== null && sees(caller, namespace)) refuse(caller, action, resource);
        const hint =
          'it has values from a namespace that this caller may not see, which the service read then';
        refuse(caller, action, { id: what, namespace }, false, hint);
      }
    },
  };
};
