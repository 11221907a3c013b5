/**
 * The grants that a command over the wire needs. A malformed one needs the action somewhere: it
 * then reaches the command bus, which answers what is wrong with it.
 */

import type { CommandRequest } from '#domain/api/registry.ts';
import type { Action } from '#domain/authorization/grants.ts';
import type { Kind } from '#domain/definitions/model.ts';
import { readDefinition } from '#domain/definitions/parse.ts';
import { REGISTER } from '#domain/registry/commands.ts';
import { KINDS } from '#domain/registry/events.ts';
import type { Resource, Resources } from './resources.ts';

export interface Need {
  readonly action: Action;
  readonly resources: readonly Resource[];
}

const registeredKind = (type: string): Kind | null =>
  KINDS.find((kind) => REGISTER[kind] === type) ?? null;

export const commandNeeds = (
  resources: Resources,
  { type, data }: CommandRequest,
): readonly Need[] => {
  const fields = (typeof data === 'object' && data !== null ? data : {}) as Readonly<
    Record<string, unknown>
  >;
  const kind = registeredKind(type);
  if (kind !== null) {
    const { definition, problems } = readDefinition({ ...fields, kind });
    if (problems.length > 0) return [{ action: 'define', resources: [] }];
    return [
      { action: 'define', resources: resources.defining(definition) },
      { action: 'use', resources: resources.usedBy(definition, []) },
    ];
  }
  const named = (kind: unknown, name: unknown): readonly Resource[] =>
    KINDS.includes(kind as Kind) && typeof name === 'string'
      ? resources.one(kind as Kind, name)
      : [];
  if (/Replay$/.test(type))
    return [{ action: 'operate', resources: named('feature-view', fields.view) }];
  return [{ action: 'define', resources: named(fields.kind, fields.name) }];
};
