/**
 * Messages that do not match their proto. grpc-js would answer INTERNAL and end a stream; here such
 * a message is refused with MR_BODY_INVALID, as other refusals are, and a stream goes on.
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

/** @throws MR_BODY_INVALID if the message could not be decoded */
export const checkMessage = (message: unknown): void => {
  if (message instanceof BrokenMessage)
    fail('MR_BODY_INVALID', `the message does not match its proto: ${message.why}`);
};

/**
 * The same service, but a message that cannot be decoded becomes one that `checkMessage` refuses.
 */
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
