/** Read plans, each built once and kept until the registry or a generation changes. */
import { fail } from '#domain/errors.ts';
import type { ServingViews } from '#domain/ports/served-view.ts';
import { planOfList, planOfService } from './build-read-plan.ts';
import type { ReadDefinitions, ReadPlan, ReadTarget } from './read-plan.ts';

interface ListPlan {
  readonly features: readonly string[];
  readonly plan: ReadPlan;
}

const sameList = (a: readonly string[], b: readonly string[]): boolean => {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
};

/** The plans kept; past that all are dropped, because callers can make up any number of lists. */
const MAX_PLANS = 1000;

/**
 * Keeps plans until `views.epoch()` changes. A list is found by its first feature and then
 * compared, which costs less than joining its names to a key.
 */
export const createReadPlans = (
  definitions: ReadDefinitions,
  views: ServingViews,
): ((target: ReadTarget) => ReadPlan) => {
  const services = new Map<string, ReadPlan>();
  const lists = new Map<string, ListPlan[]>();
  let count = 0;
  let epoch = -1;

  const ofService = (name: string): ReadPlan => {
    const cached = services.get(name);
    if (cached !== undefined) return cached;
    const service = definitions.service(name);
    if (service === null) {
      return fail(
        'MR_NOT_FOUND',
        definitions.retired('feature-service', name) ??
          `there is no feature service "${name}": \`millrace list feature-service\` shows what there is`,
        {
          service: name,
        },
      );
    }
    const plan = planOfService(service, definitions, views);
    services.set(name, plan);
    count++;
    return plan;
  };

  const ofList = (features: readonly string[]): ReadPlan => {
    const first = features[0] as string;
    const found = lists.get(first)?.find((list) => sameList(list.features, features));
    if (found !== undefined) return found.plan;
    const plan = planOfList(features, definitions, views);
    lists.set(first, [...(lists.get(first) ?? []), { features, plan }]);
    count++;
    return plan;
  };

  return ({ service, features }) => {
    const current = views.epoch();
    if (current !== epoch || count > MAX_PLANS) {
      services.clear();
      lists.clear();
      count = 0;
      epoch = current;
    }
    if (service !== undefined) return ofService(service);
    if (features !== undefined && features.length > 0) return ofList(features);
    return fail(
      'MR_BODY_INVALID',
      'a read names a "service" or lists "features"; this one has neither',
    );
  };
};
