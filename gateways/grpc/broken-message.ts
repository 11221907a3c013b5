/**
 * A message that is not what its proto says. gRPC's own answer would be INTERNAL, and would end a
 * stream; ours is MR_BODY_INVALID, given where other refusals are, for that one message.
 */

import type { ServiceDefinition } from '@grpc/proto-loader';
import { messageOf } from '#domain/error-message.ts';
import { fail } from '#domain/errors.ts';

class BrokenMessage {
  readonly why: string;
  constructor(error: unknown) {
    this.why = messageOf(error);
  }
}

/** @throws MillraceError MR_BODY_INVALID where the message could not be read */
export const checkMessage = (message: unknown): void => {
  if (message instanceof BrokenMessage)
    fail('MR_BODY_INVALID', `the message is not what its proto says: ${message.why}`);
};

/** The same service; a message that cannot be read comes as one that `checkMessage` refuses. */
export const withBrokenMessages = (service: ServiceDefinition): ServiceDefinition =>
  Object.fromEntries(
    Object.entries(service).map(([name, method]) => [
      name,
      {
        ...method,
        requestDeserialize(bytes: Buffer) {
          try {
            return method.requestDeserialize(bytes);
          } catch (error) {
            return new BrokenMessage(error);
          }
        },
      },
    ]),
  ) as ServiceDefinition;
