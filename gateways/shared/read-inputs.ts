/**
 * What a read must be given, by the definitions: the entity keys of the views that it reads, and
 * the request inputs of its on-demand features, each with its type.
 */
import type { Definition, Kind } from '#domain/definitions/model.ts';
import { fail } from '#domain/errors.ts';
import { suggestion } from '#domain/values/did-you-mean.ts';
import { parseExactJson } from '#domain/values/exact-json.ts';
import { parseFieldType } from '#domain/values/field-type.ts';
import type { FieldType, Row, Scalar, ScalarType, Value } from '#domain/values/value.ts';
import { readArgument } from './read-argument.ts';

export interface ReadInputs {
  readonly keys: ReadonlyMap<string, ScalarType>;
  readonly request: ReadonlyMap<string, FieldType>;
}

/** @param show the newest definition of a name. @throws MR_NOT_FOUND where there is none */
export const readInputs = async (
  show: (kind: Kind, name: string) => Promise<Definition>,
  target: Definition,
): Promise<ReadInputs> => {
  const views = new Set<string>();
  const onDemand = new Set<string>();
  const keys = new Map<string, ScalarType>();
  const request = new Map<string, FieldType>();

  const addOnDemand = async (definition: Definition): Promise<void> => {
    if (definition.kind !== 'on-demand-feature' || onDemand.has(definition.name)) return;
    onDemand.add(definition.name);
    for (const input of Object.values(definition.inputs)) {
      if (input.from === 'feature') views.add(input.view);
      else if (input.from === 'on-demand')
        await addOnDemand(await show('on-demand-feature', input.name));
      else request.set(input.name, parseFieldType(input.type));
    }
  };

  if (target.kind === 'feature-view') views.add(target.name);
  if (target.kind === 'feature-service') {
    for (const member of target.features) {
      if (member.from === 'view') views.add(member.view);
      else await addOnDemand(await show('on-demand-feature', member.name));
    }
  }
  await addOnDemand(target);
  for (const view of views) {
    const definition = await show('feature-view', view);
    if (definition.kind !== 'feature-view') continue;
    const entity = await show('entity', definition.entity);
    if (entity.kind === 'entity')
      for (const [key, type] of Object.entries(entity.keys)) keys.set(key, type);
  }
  return { keys, request };
};

const listText = (name: string, type: FieldType, text: string): Value => {
  let items: unknown;
  try {
    items = parseExactJson(text);
  } catch {
    items = null;
  }
  if (!Array.isArray(items))
    return fail(
      'MR_REQUEST_INVALID',
      `request input "${name}" is a list of ${type.base}: write it as JSON, for example [1, 2], not ${JSON.stringify(text)}`,
      { field: name, value: text },
    );
  return items.map((item) =>
    typeof item === 'string'
      ? readArgument('request input', name, type.base, item)
      : (item as Value),
  );
};

/** A request input that is written as text: a list is JSON. */
export const fieldText = (name: string, type: FieldType, text: string): Value => {
  if (type.nullable && text === 'null' && type.base !== 'string') return null;
  return type.array
    ? listText(name, type, text)
    : readArgument('request input', name, type.base, text);
};

type Unknown = (key: string, known: readonly string[]) => never;

const known = <T>(types: ReadonlyMap<string, T>, key: string, unknown: Unknown): T =>
  types.get(key) ?? unknown(key, [...types.keys()]);

/** Keys of an entity that are written as text. */
export const entityOfTexts = (
  { keys }: ReadInputs,
  texts: readonly (readonly [key: string, text: string])[],
  of: string,
): Readonly<Record<string, Scalar>> =>
  Object.fromEntries(
    texts.map(([key, text]) => {
      const type = known(keys, key, (name, names) =>
        fail(
          'MR_ENTITY_INVALID',
          `${of} has no entity key "${name}"; it has ${names.join(', ') || 'none'}${suggestion(name, names)}`,
          { key: name },
        ),
      );
      return [key, readArgument('entity key', key, type, text)];
    }),
  );

/** Request inputs that are written as text. */
export const requestOfTexts = (
  { request }: ReadInputs,
  texts: readonly (readonly [key: string, text: string])[],
  of: string,
): Row =>
  Object.fromEntries(
    texts.map(([key, text]) => {
      const type = known(request, key, (name, names) =>
        fail(
          'MR_REQUEST_INVALID',
          `${of} has no request input "${name}"; it has ${names.join(', ') || 'none'}${suggestion(name, names)}`,
          { field: name },
        ),
      );
      return [key, fieldText(key, type, text)];
    }),
  );
