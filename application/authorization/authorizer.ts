/**
 * How a rule is asked: of a caller, for an action, on the things that it touches. A refusal goes to
 * the audit before it is thrown.
 */
import {
  type Action,
  EVERYWHERE,
  may,
  maySomewhere,
  neededRoles,
} from '#domain/authorization/grants.ts';
import type { Principal } from '#domain/authorization/principal.ts';
import { fail } from '#domain/errors.ts';
import type { Caller } from '#domain/ports/platform.ts';
import type { Refusals } from './refusals.ts';
import type { Thing } from './resources.ts';

export const NOBODY: Principal = { id: 'nobody', actor: 'nobody', grants: [], limits: {} };
/** What is of no namespace: only a grant everywhere will do. */
export const PLATFORM: readonly Thing[] = [{ id: 'platform/millrace', namespace: EVERYWHERE }];

/** What the methods of the guard ask with. */
export interface Asking {
  /**
   * @throws MR_FORBIDDEN; where nothing is touched, for the name is not registered: unless he may
   * somewhere
   */
  readonly demand: (
    caller: Caller | undefined,
    action: Action,
    things: readonly Thing[],
  ) => Principal;
  /** for lists: whether he may see anything at all, and then what */
  readonly seeing: (
    caller: Caller | undefined,
    action: Action,
  ) => (namespace: string | null) => boolean;
}

export const createAsking = (refusals: Pick<Refusals, 'record'>): Asking => {
  const refuse = (caller: Caller | undefined, action: Action, { id, namespace }: Thing): never => {
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
    demand(caller, action, things) {
      const principal = caller?.principal ?? NOBODY;
      const { grants } = principal;
      for (const thing of things)
        if (!may(grants, action, thing.namespace)) refuse(caller, action, thing);
      if (things.length === 0 && !maySomewhere(grants, action))
        refuse(caller, action, PLATFORM[0] as Thing);
      return principal;
    },
    seeing(caller, action) {
      const { grants } = caller?.principal ?? NOBODY;
      if (!maySomewhere(grants, action)) refuse(caller, action, PLATFORM[0] as Thing);
      if (may(grants, action, EVERYWHERE)) return () => true;
      return (namespace) => namespace !== null && may(grants, action, namespace);
    },
  };
};
