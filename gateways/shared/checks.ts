/** The limits of one request, the same for every protocol. */
import type { ReadBound, ReadRequest } from '#domain/api/serving.ts';
import { fail } from '#domain/errors.ts';
import type { GatewayLimits } from '#gateways/shared/limits.ts';

export const checkRead = (
  { service, features, entities }: Pick<ReadRequest, 'service' | 'features' | 'entities'>,
  limits: GatewayLimits,
): void => {
  if ((service === undefined) === (features === undefined)) {
    fail(
      'MR_BODY_INVALID',
      'the body must have either "service" (a name) or "features" (a list such as "view:feature")',
    );
  }
  if (entities.length > limits.entities) {
    fail(
      'MR_QUERY_TOO_LARGE',
      `${entities.length} entities in one request: at most ${limits.entities}`,
      {
        limit: limits.entities,
        entities: entities.length,
      },
    );
  }
  if (features !== undefined && (features.length > limits.features || features.length === 0)) {
    const code = features.length === 0 ? 'MR_BODY_INVALID' : 'MR_QUERY_TOO_LARGE';
    fail(code, `${features.length} features in one request: from 1 to ${limits.features}`, {
      limit: limits.features,
      features: features.length,
    });
  }
};

/**
 * The read with the bound on its values. A read that cannot exceed it stays as it is: its features
 * are known only when it is planned.
 */
export const bounded = <R extends Pick<ReadRequest, 'entities'>>(
  request: R,
  { cells, features }: GatewayLimits,
): R & ReadBound =>
  request.entities.length * Math.max(1, features) <= cells
    ? request
    : { ...request, maxCells: cells };

export const checkBatch = (events: readonly unknown[], limits: GatewayLimits): void => {
  if (events.length > limits.events) {
    fail('MR_BATCH_TOO_LARGE', `${events.length} events in one request: at most ${limits.events}`, {
      limit: limits.events,
      events: events.length,
    });
  }
};
