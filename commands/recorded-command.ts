/**
 * The stream that a command is decided on, and the form in which the event store records it: type
 * and data as a caller sends them over the wire.
 */
import type { CommandRecord } from '#domain/ports/event-store.ts';
import { REGISTER, type RegistryCommand } from '#domain/registry/commands.ts';
import { streamOf } from '#domain/registry/events.ts';

export const streamOfCommand = (command: RegistryCommand): string => {
  switch (command.type) {
    case 'Register':
      return streamOf(command.definition.kind, command.definition.name);
    case 'Deprecate':
    case 'Restore':
    case 'Retire':
      return streamOf(command.kind, command.name);
    default:
      return streamOf('feature-view', command.view);
  }
};

export const recordedCommand = (command: RegistryCommand): Pick<CommandRecord, 'type' | 'data'> => {
  switch (command.type) {
    case 'Register':
      return { type: REGISTER[command.definition.kind], data: command.definition };
    case 'StartReplay':
      return { type: command.type, data: { view: command.view, ...command.range } };
    default: {
      const { type, ...data } = command;
      return { type, data };
    }
  }
};
