/** Which versions of which definitions gave the values of logged answers. */
import type { Kind } from '#domain/definitions/model.ts';
import type { FeatureLogRow } from './feature-log-record.ts';

export interface AnsweredBy {
  readonly kind: Kind;
  readonly name: string;
  readonly version: number;
}

type NamedVersions = Pick<FeatureLogRow, 'serviceVersion' | 'views' | 'onDemand'>;

/** Each version once: the service, the views and the on-demand features that the rows name. */
export const answeredBy = (
  service: string,
  rows: readonly NamedVersions[],
): readonly AnsweredBy[] => {
  const found = new Map<string, AnsweredBy>();
  const add = (kind: Kind, name: string, version: number): void => {
    found.set(`${kind}/${name}/${version}`, { kind, name, version });
  };
  for (const { serviceVersion, views, onDemand } of rows) {
    add('feature-service', service, serviceVersion);
    for (const { view, version } of views) add('feature-view', view, version);
    for (const { name, version } of onDemand) add('on-demand-feature', name, version);
  }
  return [...found.values()];
};
