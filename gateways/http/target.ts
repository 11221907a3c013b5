/** Parts that the bodies for data sets and batches share. */
import { isAbsolute } from 'node:path';
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

/** @throws MR_BODY_INVALID if the path is not absolute */
export const absolutePath = (name: string, path: string): string =>
  isAbsolute(path)
    ? path
    : fail(
        'MR_BODY_INVALID',
        `"${name}" must be an absolute path on the server's machine, not ${JSON.stringify(path)}`,
        { path },
      );
