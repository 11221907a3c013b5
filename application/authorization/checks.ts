/** The checks that the areas share: what a read touches, and what a request costs its caller. */
import type { Caller } from '#domain/api/caller.ts';
import { EVERYWHERE, may } from '#domain/authorization/grants.ts';
import type { Principal } from '#domain/authorization/principal.ts';
import type { MillraceError } from '#domain/errors.ts';
import type { ProducerOwners } from '#domain/ports/producer-owners.ts';
import { ANONYMOUS, type Authorizer, createAuthorizer } from './authorizer.ts';
import type { Rates } from './rates.ts';
import type { Refusals } from './refusals.ts';
import type { ReadTarget, Resource, Resources } from './resources.ts';

export interface CheckDependencies {
  readonly resources: Resources;
  readonly rates: Pick<Rates, 'events' | 'rows' | 'rowsGiven'>;
  readonly refusals: Pick<Refusals, 'record' | 'written'>;
  /** Whether a principal's key or token is still valid. */
  readonly holds: (principal: Principal) => boolean;
  readonly openMetrics: boolean;
  readonly producers: ProducerOwners;
}

export interface Checks extends CheckDependencies, Authorizer {
  readonly view: (name: string) => readonly Resource[];
  readonly source: (name: string) => readonly Resource[];
  /**
   * Authorizes a read of everything that the target shows.
   * @throws MR_FORBIDDEN
   */
  readonly authorizeRead: (caller: Caller | undefined, target: ReadTarget) => Principal;
  /** Runs `charge` on the caller's limits; a refusal is recorded for the audit and thrown. */
  readonly charged: (principal: Principal, charge: () => void) => void;
}

export const createChecks = (dependencies: CheckDependencies): Checks => {
  const { resources, refusals } = dependencies;
  const authorizer = createAuthorizer(refusals, resources.names);
  return {
    ...dependencies,
    ...authorizer,
    view: (name) => resources.one('feature-view', name),
    source: (name) => resources.one('source', name),
    authorizeRead(caller, target) {
      const principal = caller?.principal ?? ANONYMOUS;
      return may(principal.grants, 'read', EVERYWHERE)
        ? principal
        : authorizer.authorize(caller, 'read', resources.ofRead(target));
    },
    charged(principal, charge) {
      try {
        charge();
      } catch (error) {
        const { code, message } = error as MillraceError;
        const { id: subject, actor } = principal;
        refusals.record({
          actor: actor ?? '',
          principal: subject,
          command: 'Use',
          subject,
          code,
          message,
        });
        throw error;
      }
    },
  };
};

/** What a data set or batch of a view or service contains values of. */
export const readTargetOf = (
  target: { readonly service: string } | { readonly view: string },
): ReadTarget => ('service' in target ? target : { features: [`${target.view}:`] });
