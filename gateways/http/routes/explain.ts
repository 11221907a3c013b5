import type { Definition, Kind } from '#domain/definitions/model.ts';
import { optionalTime } from '#gateways/shared/parameters.ts';
import { entityOfTexts, readInputs, requestOfTexts } from '#gateways/shared/read-inputs.ts';
import { callerOf } from '../caller.ts';
import { compact } from '../compact.ts';
import type { RouteModule } from '../route-module.ts';
import { type ExplainQuery, explainQuery, explanation } from '../schemas/explain.ts';
import { answers } from '../schemas/shapes.ts';

/** The parameters `<prefix>.<name>`, as name and text. */
const prefixed = (
  query: Readonly<Record<string, string>>,
  prefix: string,
): readonly (readonly [name: string, text: string])[] =>
  Object.entries(query).flatMap(([key, text]) =>
    key.startsWith(prefix) ? [[key.slice(prefix.length), text] as const] : [],
  );

export const explainRoutes: RouteModule = {
  name: 'explain',
  prefix: '/v1/explain',
  register(app, { platform }) {
    app.get<{ Querystring: ExplainQuery }>(
      '/v1/explain',
      {
        schema: {
          tags: ['audit'],
          summary:
            'Why a value is what it is. Without a view, `feature` is an on-demand feature. One entity.{key} for each key, one request.{name} for each request input',
          querystring: explainQuery,
          response: answers(200, explanation),
        },
      },
      async (request) => {
        const { view, feature, at, known, ...rest } = request.query;
        const caller = callerOf(request);
        const show = async (kind: Kind, name: string): Promise<Definition> =>
          (await platform.registry.show(kind, name, undefined, caller)).definition;
        const of = view === undefined ? `on-demand feature "${feature}"` : `view "${view}"`;
        // Values in a query string are text: the definitions have their types.
        const inputs = await readInputs(
          show,
          view === undefined
            ? await show('on-demand-feature', feature)
            : await show('feature-view', view),
        );
        const given = prefixed(rest, 'request.');
        return platform.serving.explain(
          {
            ...compact({ view }),
            feature,
            entity: entityOfTexts(inputs, prefixed(rest, 'entity.'), of),
            ...(given.length === 0 ? {} : { request: requestOfTexts(inputs, given, of) }),
            ...compact({ at: optionalTime('at', at), known: optionalTime('known', known) }),
          },
          caller,
        );
      },
    );
  },
};
