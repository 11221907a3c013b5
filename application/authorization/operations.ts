/** Authorization of status, freshness, late events and metrics. */
import type { Operations } from '#domain/api/operations.ts';
import { PLATFORM } from './authorizer.ts';
import type { Checks } from './checks.ts';

export const authorizeOperations = (
  operations: Operations,
  { authorize, visibleNamespaces, resources, view, openMetrics }: Checks,
): Operations => ({
  async status(caller) {
    const visible = visibleNamespaces(caller, 'operate');
    const { jobs, ...status } = await operations.status(caller);
    const ofView = (one: { readonly view: string }): boolean =>
      visible(resources.namespaceOf(`feature-view/${one.view}`));
    return {
      ...status,
      sources: status.sources.filter((one) =>
        visible(resources.namespaceOf(`source/${one.source}`)),
      ),
      views: status.views.filter(ofView),
      replays: status.replays.filter(ofView),
      // Jobs and their failures name resources of all namespaces.
      ...(jobs === undefined || !visible(null) ? {} : { jobs }),
    };
  },
  async freshness(caller) {
    const visible = visibleNamespaces(caller, 'catalog');
    return (await operations.freshness(caller)).filter((one) =>
      visible(resources.namespaceOf(`feature-view/${one.view}`)),
    );
  },
  async late(name, query, caller) {
    authorize(caller, 'operate', view(name));
    return operations.late(name, query, caller);
  },
  async metrics(caller) {
    if (!openMetrics) authorize(caller, 'operate', PLATFORM);
    return operations.metrics(caller);
  },
  ready: () => operations.ready(),
  degraded: () => operations.degraded(),
});
