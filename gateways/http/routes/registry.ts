import type { Found } from '#domain/api/registry.ts';
import { isDatasetKind } from '#gateways/shared/kinds.ts';
import { kindOf, wholeNumber } from '#gateways/shared/parameters.ts';
import { callerOf } from '../caller.ts';

import type { RouteModule } from '../route-module.ts';
import {
  type AsOfQuery,
  asOfQuery,
  catalogEntry,
  found,
  registryExport,
} from '../schemas/registry.ts';
import { answers } from '../schemas/shapes.ts';

export const registryRoutes: RouteModule = {
  name: 'registry',
  prefix: '/v1/registry',
  register(app, { platform }) {
    const schema = (summary: string, answer: object, more: object = {}) => ({
      schema: { tags: ['registry'], summary, ...more, response: answers(200, answer) },
    });
    const asOf = { querystring: asOfQuery };
    app.get(
      '/v1/registry',
      schema('All definitions that are not retired, for another registry', registryExport),
      (request) => platform.registry.exported(callerOf(request)),
    );
    app.get<{ Params: { kind: string }; Querystring: AsOfQuery }>(
      '/v1/registry/:kind',
      schema('All definitions of a kind, or the named data sets: `dataset`', found, asOf),
      (request): Promise<readonly Found[]> => {
        const { kind } = request.params;
        const [caller, then] = [callerOf(request), request.query.asOf];
        return isDatasetKind(kind)
          ? platform.registry.datasets(caller, then)
          : platform.registry.list(kindOf(kind), caller, then);
      },
    );
    app.get<{ Params: { kind: string; name: string }; Querystring: AsOfQuery }>(
      '/v1/registry/:kind/:name',
      schema('The newest version', catalogEntry, asOf),
      (request) => {
        const { kind, name } = request.params;
        const caller = callerOf(request);
        return platform.registry.show(kindOf(kind), name, undefined, caller, request.query.asOf);
      },
    );
    app.get<{ Params: { kind: string; name: string; n: string }; Querystring: AsOfQuery }>(
      '/v1/registry/:kind/:name/versions/:n',
      schema('One version', catalogEntry, asOf),
      (request) => {
        const { kind, name, n } = request.params;
        const version = wholeNumber('version', n, 1);
        const caller = callerOf(request);
        return platform.registry.show(kindOf(kind), name, version, caller, request.query.asOf);
      },
    );
  },
};
