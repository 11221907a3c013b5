/** Checks of a source whose events are rows of a table, and of the views over it. */
import type { FieldType } from '#domain/values/value.ts';
import type { Report } from './check-context.ts';
import type { EntityDefinition, FeatureViewDefinition, SourceDefinition } from './model.ts';

const listed = (names: readonly string[]): string => names.join(', ');

/**
 * @param types of the fields whose type text is valid
 * @param keyTypes types that an entity's key may have
 */
export function checkDimension(
  def: SourceDefinition,
  types: ReadonlyMap<string, FieldType>,
  keyTypes: ReadonlySet<string>,
  invalid: (what: string) => void,
): void {
  const { dimension, changes, fields } = def;
  if (dimension === undefined) {
    if (changes !== undefined)
      invalid(`changes needs dimension: name the table's key, as in dimension: { key: ['id'] }`);
    return;
  }
  const known = `fields are ${listed(Object.keys(fields))}`;
  const { key, deleted } = dimension;
  let sound = key.length > 0;
  const wrongKey = (what: string): void => {
    sound = false;
    invalid(what);
  };
  if (!sound) invalid('dimension.key is empty: name the fields that identify a row');
  for (const field of key) {
    const type = types.get(field);
    if (!Object.hasOwn(fields, field))
      wrongKey(`dimension.key names ${JSON.stringify(field)}, which is not a field (${known})`);
    else if (type && (type.array || !keyTypes.has(type.base)))
      wrongKey(
        `dimension.key cannot use ${field} of type ${fields[field]}: use ${[...keyTypes].join(', ')}`,
      );
    else if (type?.nullable)
      wrongKey(`dimension.key: ${field} cannot be nullable: every row and every tombstone has it`);
    else if (field === def.eventTime)
      wrongKey(`dimension.key cannot use the event time ${field}: each row would be another one`);
  }
  for (const field of def.partitionBy ?? [])
    if (!key.includes(field))
      invalid(
        `partitionBy uses ${field}, which is not in dimension.key: events of a key would lose their order; leave partitionBy out`,
      );
  if (deleted === undefined) {
    if (changes !== undefined)
      invalid(
        `changes needs dimension.deleted, a field of type boolean? that is true in the tombstone of a deleted row`,
      );
    return;
  }
  const flag = types.get(deleted);
  if (!Object.hasOwn(fields, deleted))
    invalid(`dimension.deleted names ${JSON.stringify(deleted)}, which is not a field (${known})`);
  else if (flag && (flag.array || flag.base !== 'boolean' || !flag.nullable))
    invalid(
      `dimension.deleted: ${deleted} must be of type boolean?, is ${fields[deleted]}; null means that the row is there`,
    );
  const needed = new Set([...key, deleted, def.eventTime]);
  // Without its key, a message would be about a field of the key.
  if (!sound) return;
  for (const [field, type] of types)
    if (!needed.has(field) && !type.nullable)
      invalid(
        `the field ${field} must be nullable ("${fields[field]}?"), because a tombstone has no value for it`,
      );
}

/** A tombstone removes one row of the table, so a view's entity must be a row of it. */
export function checkEntityIsRow(
  def: FeatureViewDefinition,
  entity: EntityDefinition,
  { name, dimension }: SourceDefinition,
  report: Report,
): void {
  if (dimension === undefined) return;
  const fields = Object.keys(entity.keys).map((key) => def.join?.[key] ?? key);
  const same =
    fields.length === dimension.key.length && fields.every((f) => dimension.key.includes(f));
  if (!same)
    report(
      'MR_DEFINITION_INVALID',
      `feature view ${def.name}: the keys of ${entity.name} are the fields ${listed(fields)}, but the key of the dimension ${name} is ${listed(dimension.key)}: use an entity with these keys, or a source without dimension.`,
    );
}
