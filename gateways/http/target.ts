/** What a data set or a batch is of: exactly one of a service and a view. */
import { fail } from '#domain/errors.ts';

export interface Target {
  readonly service?: string;
  readonly view?: string;
}

export const targetOf = ({
  service,
  view,
}: Target): { readonly service: string } | { readonly view: string } => {
  if (service !== undefined && view === undefined) return { service };
  if (view !== undefined && service === undefined) return { view };
  return fail('MR_BODY_INVALID', 'the body must have either "service" or "view"');
};
