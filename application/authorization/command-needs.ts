/**
 * What a command over the wire needs. One that is malformed needs to be let in as far as the
 * command bus, which says what is wrong.
 */
import type { Action } from '#domain/authorization/grants.ts';
import type { Kind } from '#domain/definitions/model.ts';
import { readDefinition } from '#domain/definitions/parse.ts';
import type { CommandRequest } from '#domain/ports/platform.ts';
import { REGISTER } from '#domain/registry/commands.ts';
import { KINDS } from '#domain/registry/events.ts';
import type { Thing, Things } from './resources.ts';

export interface Need {
  readonly action: Action;
  readonly things: readonly Thing[];
}

const registeredKind = (type: string): Kind | null =>
  KINDS.find((kind) => REGISTER[kind] === type) ?? null;

export const commandNeeds = (things: Things, { type, data }: CommandRequest): readonly Need[] => {
  const fields = (typeof data === 'object' && data !== null ? data : {}) as Readonly<
    Record<string, unknown>
  >;
  const kind = registeredKind(type);
  if (kind !== null) {
    const { definition, problems } = readDefinition({ ...fields, kind });
    if (problems.length > 0) return [{ action: 'define', things: [] }];
    return [
      { action: 'define', things: things.defining(definition) },
      { action: 'use', things: things.usedBy(definition, []) },
    ];
  }
  if (/Replay$/.test(type))
    return [{ action: 'operate', things: things.one('feature-view', String(fields.view)) }];
  return [{ action: 'define', things: things.one(fields.kind as Kind, String(fields.name)) }];
};
