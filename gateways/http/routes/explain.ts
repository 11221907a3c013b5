import type { Caller } from '#domain/api/caller.ts';
import type { Platform } from '#domain/api/platform.ts';
import { fail } from '#domain/errors.ts';
import type { EntityKey } from '#domain/plan/plan.ts';
import { optionalTime } from '#gateways/shared/parameters.ts';
import { typedText } from '#gateways/shared/typed-text.ts';
import { callerOf } from '../caller.ts';
import { compact } from '../compact.ts';
import type { RouteModule } from '../route-module.ts';
import { type ExplainQuery, explainQuery, explanation } from '../schemas/explain.ts';
import { answers } from '../schemas/shapes.ts';

const PREFIX = 'entity.';

/** Values in a query string are text: the entity's definition has the type of each key. */
const entityOf = async (
  platform: Platform,
  view: string,
  query: Readonly<Record<string, string>>,
  caller: Caller,
): Promise<EntityKey> => {
  const { definition } = await platform.registry.show('feature-view', view, undefined, caller);
  if (definition.kind !== 'feature-view')
    return fail('MR_NOT_FOUND', `there is no feature view "${view}"`, { view });
  const entity = (await platform.registry.show('entity', definition.entity, undefined, caller))
    .definition;
  const types = entity.kind === 'entity' ? entity.keys : {};
  const given = Object.keys(query).filter((name) => name.startsWith(PREFIX));
  return Object.fromEntries(
    given.map((name) => {
      const key = name.slice(PREFIX.length);
      const type = types[key];
      if (type !== undefined) return [key, typedText(key, type, query[name] as string)];
      const keys = Object.keys(types).join(', ');
      return fail(
        'MR_ENTITY_INVALID',
        `entity "${definition.entity}" has no key "${key}"; it has ${keys}`,
        { key },
      );
    }),
  );
};

export const explainRoutes: RouteModule = {
  name: 'explain',
  prefix: '/v1/explain',
  register(app, { platform }) {
    app.get<{ Querystring: ExplainQuery }>(
      '/v1/explain',
      {
        schema: {
          tags: ['audit'],
          summary: 'Why a value is what it is; one entity.{key} for each key',
          querystring: explainQuery,
          response: answers(200, explanation),
        },
      },
      async (request) => {
        const { view, feature, at, known, ...rest } = request.query;
        const caller = callerOf(request);
        const entity = await entityOf(platform, view, rest, caller);
        const times = compact({ at: optionalTime('at', at), known: optionalTime('known', known) });
        return platform.serving.explain({ view, feature, entity, ...times }, caller);
      },
    );
  },
};
