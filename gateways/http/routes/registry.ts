import type { Caller } from '#domain/api/caller.ts';
import type { CatalogEntry, Found } from '#domain/api/registry.ts';
import type { Kind } from '#domain/definitions/model.ts';
import { entrySql } from '#gateways/shared/entry-sql.ts';
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
  type ShowQuery,
  showQuery,
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
    const shown = { querystring: showQuery };
    const show = async (
      caller: Caller,
      { asOf: then, sql }: ShowQuery,
      kind: Kind,
      name: string,
      version?: number,
    ): Promise<CatalogEntry> => {
      const entry = await platform.registry.show(kind, name, version, caller, then);
      if (sql === undefined) return entry;
      const other = (ofKind: Kind, ofName: string) =>
        platform.registry.show(ofKind, ofName, undefined, caller, then);
      return { ...entry, sql: await entrySql(entry, sql, other) };
    };
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
    app.get<{ Params: { kind: string; name: string }; Querystring: ShowQuery }>(
      '/v1/registry/:kind/:name',
      schema('The newest version', catalogEntry, shown),
      (request) => {
        const { kind, name } = request.params;
        return show(callerOf(request), request.query, kindOf(kind), name);
      },
    );
    app.get<{ Params: { kind: string; name: string; n: string }; Querystring: ShowQuery }>(
      '/v1/registry/:kind/:name/versions/:n',
      schema('One version', catalogEntry, shown),
      (request) => {
        const { kind, name, n } = request.params;
        const version = wholeNumber('version', n, 1);
        return show(callerOf(request), request.query, kindOf(kind), name, version);
      },
    );
  },
};
