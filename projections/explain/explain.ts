/** Explanations: why a feature of a view, or an on-demand feature, has its value. */

import type {
  ExplainRequest,
  Explanation,
  ReadRequest,
  ReadResult,
  ViewExplanation,
} from '#domain/api/serving.ts';
import type { Kind } from '#domain/definitions/model.ts';
import { fail } from '#domain/errors.ts';
import { formatTime } from '#domain/values/time.ts';
import type { Value } from '#domain/values/value.ts';
import { createExplainFeature, type ExplainFeatureDependencies } from './explain-feature.ts';
import { createExplainOnDemand, type RegisteredOnDemand } from './explain-on-demand.ts';

interface ExplainDependencies extends ExplainFeatureDependencies {
  readonly read: (request: ReadRequest) => Promise<ReadResult>;
  /** null: there is none */
  readonly onDemand: (name: string) => RegisteredOnDemand | null;
  /** why a definition is not there, where it is retired; null: it is not */
  readonly retired: (kind: Kind, name: string) => string | null;
}

export const createExplain = (
  dependencies: ExplainDependencies,
): ((request: ExplainRequest) => Promise<Explanation>) => {
  const { read, onDemand, retired } = dependencies;
  const explainFeature = createExplainFeature(dependencies);
  const explainOnDemand = createExplainOnDemand({ read, onDemand, retired, explainFeature });

  const explainOfView = async (
    view: string,
    { feature, entity, request, ...times }: ExplainRequest,
  ): Promise<ViewExplanation> => {
    if (request !== undefined && Object.keys(request).length > 0)
      return fail(
        'MR_REQUEST_INVALID',
        `${view}:${feature} is a feature of a view, which has no request inputs: leave out ${Object.keys(request).join(', ')}`,
        { feature },
      );
    const answer = await read({
      features: [`${view}:${feature}`],
      entities: [entity],
      ...(times.at === undefined ? {} : { at: times.at }),
      ...(times.known === undefined ? {} : { known: times.known }),
    });
    const { at, known } = answer;
    const found = await explainFeature({
      view,
      feature,
      entity,
      value: answer.values[0]?.[0] as Value,
      status: answer.status[0]?.[0] ?? 'null',
      at,
      known,
      past: times.known !== undefined && known === times.known,
    });
    return (
      found ??
      fail(
        'MR_NOT_FOUND',
        `the version of view "${view}" that answers for ${formatTime(known)} has no feature "${feature}" of its present type, so a read answers null: name a later known`,
        { feature },
      )
    );
  };

  return (request) =>
    request.view === undefined ? explainOnDemand(request) : explainOfView(request.view, request);
};
