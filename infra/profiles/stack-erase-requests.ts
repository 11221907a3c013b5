/** The erasures of a stack that were begun. Gateways do not start until they have ended. */
import { MillraceError } from '#domain/errors.ts';
import type { WantedErasure } from '#domain/ports/erasure-runner.ts';
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
    `Erasure ${id} of this stack was begun, and has not ended: run \`millrace erase --profile stack\` again, also without --entity: it goes on where it was.`,
    { id },
  );
};

/** The erasure of a stack that was begun and has not ended; null: there is none. */
export const begunErasure = (directory: string): WantedErasure | null => {
  const requests = erasureRequests(directory);
  const [id] = requests.running();
  return id === undefined ? null : requests.wanted(id);
};
