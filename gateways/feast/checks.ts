/** The limits of Feast's requests, which have columns instead of rows. */
import { fail } from '#domain/errors.ts';
import type { GatewayLimits } from '#gateways/shared/limits.ts';
import type { OnlineFeaturesBody } from './online-features.ts';
import type { Frame } from './write.ts';

export const checkColumns = (name: string, frame: Frame, most: number): number => {
  const [first, ...others] = Object.entries(frame);
  if (first === undefined) return fail('MR_BODY_INVALID', `"${name}" has no columns`);
  const length = first[1].length;
  for (const [column, values] of others) {
    if (values.length !== length)
      fail(
        'MR_BODY_INVALID',
        `column "${column}" of "${name}" has ${values.length} values, "${first[0]}" has ${length}`,
        {
          column,
        },
      );
  }
  if (length > most)
    fail('MR_QUERY_TOO_LARGE', `"${name}" has ${length} rows: at most ${most} in one request`, {
      limit: most,
    });
  return length;
};

export const checkOnline = (body: OnlineFeaturesBody, limits: GatewayLimits): void => {
  checkColumns('entities', body.entities, limits.entities);
  const { features = [], feature_service: service } = body;
  if (service == null && features.length === 0)
    fail('MR_BODY_INVALID', 'the body has neither "features" nor a "feature_service"');
  if (features.length > limits.features)
    fail(
      'MR_QUERY_TOO_LARGE',
      `${features.length} features in one request: at most ${limits.features}`,
      {
        limit: limits.features,
      },
    );
};
