/** Parts that the bodies for data sets and batches share. */
import { fail } from '#domain/errors.ts';

/** @throws MR_BODY_INVALID unless the body has exactly one of a service and a view */
export const targetOf = ({
  service,
  view,
}: {
  readonly service?: string;
  readonly view?: string;
}): { readonly service: string } | { readonly view: string } => {
  if (service !== undefined && view === undefined) return { service };
  if (view !== undefined && service === undefined) return { view };
  return fail('MR_BODY_INVALID', 'the body must have either "service" or "view"');
};
