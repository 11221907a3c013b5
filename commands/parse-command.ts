/**
 * A command as it comes over the wire, parsed and executed. An error names the part that is wrong.
 */

import type { CommandRequest, Registry } from '#domain/api/registry.ts';
import type { Kind } from '#domain/definitions/model.ts';
import { parseDefinition } from '#domain/definitions/parse.ts';
import { fail, MillraceError } from '#domain/errors.ts';
import { REGISTER, type RegistryCommand } from '#domain/registry/commands.ts';
import { KINDS, type ReplayRange } from '#domain/registry/events.ts';
import type { CommandBus } from './command-bus.ts';

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

const STATUS = ['Deprecate', 'Restore', 'Retire'] as const;
const GENERATION = ['PromoteReplay', 'RollbackReplay', 'AbandonReplay', 'RetireReplay'] as const;

const COMMAND_TYPES: readonly string[] = [
  ...Object.values(REGISTER),
  ...STATUS,
  'StartReplay',
  ...GENERATION,
];

const parseCommand = (request: CommandRequest, actor: string): RegistryCommand => {
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
    return { type: 'Register', definition, force: request.force ?? false, reason };
  }
  const status = STATUS.find((name) => name === type);
  if (status !== undefined)
    return { type: status, kind: kindOf(data, type), name: text(data, 'name', type) };
  if (type === 'StartReplay')
    return { type, view: text(data, 'view', type), range: rangeOf(data, type), reason, actor };
  const change = GENERATION.find((name) => name === type);
  if (change !== undefined)
    return { type: change, view: text(data, 'view', type), generation: generationOf(data, type) };
  return fail('MR_INTERNAL', `command "${type}" is listed, and no code parses it`);
};

/** Executes commands of callers. One that cannot be parsed is stored as a refusal, and thrown. */
export const createCommandRequests =
  (bus: Pick<CommandBus, 'execute' | 'refuse'>): Registry['command'] =>
  async (request, caller) => {
    let command: RegistryCommand;
    try {
      command = parseCommand(request, caller.actor);
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      return bus.refuse(request, caller, error);
    }
    const { data, reason, expectedVersion, mayBreak } = request;
    return bus.execute(
      command,
      {
        data,
        ...(reason === undefined ? {} : { reason }),
        ...(expectedVersion === undefined ? {} : { expectedVersion }),
        ...(mayBreak === undefined ? {} : { mayBreak }),
      },
      caller,
    );
  };
