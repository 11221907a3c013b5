/** Commands as they come over the wire → registry commands, or a problem that names the part. */

import type { CommandRequest } from '#domain/api/registry.ts';
import type { Kind } from '#domain/definitions/model.ts';
import { parseDefinition } from '#domain/definitions/parse.ts';
import { fail } from '#domain/errors.ts';
import { REGISTER, type RegistryCommand } from '#domain/registry/commands.ts';
import { KINDS, type ReplayRange, streamOf } from '#domain/registry/events.ts';

export interface ParsedCommand {
  readonly command: RegistryCommand;
  readonly stream: string;
}

type Data = Readonly<Record<string, unknown>>;

const object = (value: unknown, type: string): Data =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as Data)
    : fail('MR_BODY_INVALID', `the data of command ${type} must be an object`);

const text = (data: Data, key: string, type: string): string => {
  const value = data[key];
  return typeof value === 'string' && value !== ''
    ? value
    : fail(
        'MR_BODY_INVALID',
        `command ${type} needs "${key}", a string; it has ${JSON.stringify(value ?? null)}`,
      );
};

const kindOf = (data: Data, type: string): Kind => {
  const kind = text(data, 'kind', type);
  return KINDS.includes(kind as Kind)
    ? (kind as Kind)
    : fail(
        'MR_BODY_INVALID',
        `command ${type}: there is no kind "${kind}"; there are ${KINDS.join(', ')}`,
      );
};

const numberOrNull = (data: Data, key: string, type: string): number | null => {
  const value = data[key] ?? null;
  return value === null || (typeof value === 'number' && Number.isInteger(value))
    ? value
    : fail(
        'MR_BODY_INVALID',
        `command ${type}: "${key}" must be a whole number, and is ${JSON.stringify(value)}`,
      );
};

const generationOf = (data: Data, type: string): number =>
  numberOrNull(data, 'generation', type) ??
  fail('MR_BODY_INVALID', `command ${type} needs "generation"`);

const rangeOf = (data: Data, type: string): ReplayRange => {
  const keys = data.keys ?? null;
  if (keys !== null && !(Array.isArray(keys) && keys.every((key) => typeof key === 'string')))
    fail('MR_BODY_INVALID', `command ${type}: "keys" must be a list of encoded keys`);
  return {
    from: numberOrNull(data, 'from', type),
    to: numberOrNull(data, 'to', type),
    keys: keys as readonly string[] | null,
  };
};

const STATUS: Readonly<Record<string, 'Deprecate' | 'Restore' | 'Retire'>> = {
  Deprecate: 'Deprecate',
  Restore: 'Restore',
  Retire: 'Retire',
};
const GENERATION = ['PromoteReplay', 'RollbackReplay', 'AbandonReplay', 'RetireReplay'] as const;

export const COMMAND_TYPES: readonly string[] = [
  ...Object.values(REGISTER),
  ...Object.keys(STATUS),
  'StartReplay',
  ...GENERATION,
];

export const parseCommand = (request: CommandRequest, actor: string): ParsedCommand => {
  const { type } = request;
  const reason = request.reason ?? null;
  if (!COMMAND_TYPES.includes(type))
    fail(
      'MR_COMMAND_UNKNOWN',
      `there is no command "${type}"; there are ${COMMAND_TYPES.join(', ')}`,
      { type },
    );
  const data = object(request.data, type);
  const registers = Object.entries(REGISTER).find(([, name]) => name === type)?.[0] as
    | Kind
    | undefined;
  if (registers !== undefined) {
    const definition = parseDefinition(
      data.kind === undefined ? { ...data, kind: registers } : data,
    );
    if (definition.kind !== registers)
      fail('MR_BODY_INVALID', `command ${type} got a definition of kind "${definition.kind}"`);
    return {
      command: { type: 'Register', definition, force: request.force ?? false, reason },
      stream: streamOf(definition.kind, definition.name),
    };
  }
  const status = STATUS[type];
  if (status !== undefined) {
    const [kind, name] = [kindOf(data, type), text(data, 'name', type)];
    return { command: { type: status, kind, name }, stream: streamOf(kind, name) };
  }
  if (type === 'StartReplay') {
    const view = text(data, 'view', type);
    return {
      command: { type, view, range: rangeOf(data, type), reason, actor },
      stream: streamOf('feature-view', view),
    };
  }
  const generation = GENERATION.find((name) => name === type);
  if (generation !== undefined) {
    const view = text(data, 'view', type);
    return {
      command: { type: generation, view, generation: generationOf(data, type) },
      stream: streamOf('feature-view', view),
    };
  }
  return fail('MR_INTERNAL', `command "${type}" is listed, and nothing reads it`);
};
