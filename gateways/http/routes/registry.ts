import type { Found } from '#domain/api/registry.ts';
import { isDatasetKind } from '#gateways/shared/kinds.ts';
import { kindOf, wholeNumber } from '#gateways/shared/parameters.ts';
import { callerOf } from '../caller.ts';

import type { RouteModule } from '../route-module.ts';
import { catalogEntry, found, registryExport } from '../schemas/registry.ts';
import { answers } from '../schemas/shapes.ts';

export const registryRoutes: RouteModule = {
  name: 'registry',
  prefix: '/v1/registry',
  register(app, { platform }) {
    const schema = (summary: string, answer: object) => ({
      schema: { tags: ['registry'], summary, response: answers(200, answer) },
    });
    app.get(
      '/v1/registry',
      schema('All definitions that are not retired, for another registry', registryExport),
      (request) => platform.registry.exported(callerOf(request)),
    );
    app.get<{ Params: { kind: string } }>(
      '/v1/registry/:kind',
      schema('All definitions of a kind, or the named data sets: `dataset`', found),
      (request): Promise<readonly Found[]> => {
        const { kind } = request.params;
        return isDatasetKind(kind)
          ? platform.registry.datasets(callerOf(request))
          : platform.registry.list(kindOf(kind), callerOf(request));
      },
    );
    app.get<{ Params: { kind: string; name: string } }>(
      '/v1/registry/:kind/:name',
      schema('The newest version', catalogEntry),
      (request) => {
        const { kind, name } = request.params;
        return platform.registry.show(kindOf(kind), name, undefined, callerOf(request));
      },
    );
    app.get<{ Params: { kind: string; name: string; n: string } }>(
      '/v1/registry/:kind/:name/versions/:n',
      schema('One version', catalogEntry),
      (request) => {
        const { kind, name, n } = request.params;
        const version = wholeNumber('version', n, 1);
        return platform.registry.show(kindOf(kind), name, version, callerOf(request));
      },
    );
  },
};
