/** The erasures of a stack that were begun. Gateways do not start until they have ended. */
import { MillraceError } from '#domain/errors.ts';
import type { StackAddresses } from '#infra/stack/addresses.ts';
import { type ErasureRequests, erasureRequests } from './erasure-requests.ts';

export const stackErasureRequests = ({
  directory,
}: Pick<StackAddresses, 'directory'>): ErasureRequests => erasureRequests(directory);

/** @throws MR_REFUSED */
export const refuseWhileErasing = (addresses: Pick<StackAddresses, 'directory'>): void => {
  const [id] = stackErasureRequests(addresses).running();
  if (id === undefined) return;
  throw new MillraceError(
    'MR_REFUSED',
    `Erasure ${id} of this stack was begun, and has not ended: run \`millrace erase --profile stack\` again, which goes on where it was.`,
    { id },
  );
};
