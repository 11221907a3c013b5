/** Authorization of reads, explanations, logged answers and skew. */
import type { Serving } from '#domain/api/serving.ts';
import type { Checks } from './checks.ts';

export const authorizeServing = (
  serving: Serving,
  { authorize, authorizeRead, charged, resources, rates }: Checks,
): Serving => ({
  async read(request, caller) {
    const principal = authorizeRead(caller, request);
    if (principal.limits.rowsPerDay !== undefined)
      charged(principal, () => rates.rows(principal, request.entities.length));
    return serving.read(request, caller);
  },
  async explain(request, caller) {
    authorize(caller, 'explain', resources.ofExplanation(request));
    return serving.explain(request, caller);
  },
  async featureLog(service, query, caller) {
    authorize(caller, 'explain', resources.ofRead({ service }));
    return serving.featureLog(service, query, caller);
  },
  async skew(request, caller) {
    authorizeRead(caller, { service: request.service });
    return serving.skew(request, caller);
  },
});
