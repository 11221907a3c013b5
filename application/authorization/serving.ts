/** Authorization of reads, explanations, logged answers and skew. */
import type { Serving } from '#domain/api/serving.ts';
import { answeredBy } from '#domain/feature-log/answered-by.ts';
import { streamOf } from '#domain/registry/events.ts';
import type { Checks } from './checks.ts';

export const authorizeServing = (
  serving: Serving,
  { authorize, authorizeRead, authorizeAnswer, charged, resources, rates }: Checks,
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
    const rows = await serving.featureLog(service, query, caller);
    const what = streamOf('feature-service', service);
    authorizeAnswer(caller, 'explain', what, resources.ofAnswer(answeredBy(service, rows)));
    return rows;
  },
  async skew(request, caller) {
    authorizeRead(caller, { service: request.service });
    const report = await serving.skew(request, caller);
    const what = streamOf('feature-service', request.service);
    authorizeAnswer(caller, 'read', what, resources.ofAnswer(report.answeredBy));
    return report;
  },
});
