/**
 * Entities. In Feast a view has any number of entities, each with one key; in Millrace it has one
 * entity with one or more keys: several entities become one, named after all of them. A view
 * without an entity gets one whose only key has one value.
 */
import type { EntityDefinition } from '#domain/definitions/model.ts';
import type { ScalarType } from '#domain/values/value.ts';
import { EVERYTHING } from '../read.ts';
import { described, fieldNamed, type Import, renamed } from './common.ts';
import type { FeastEntity, FeastProject, FeastView } from './model.ts';
import { nameFrom } from './names.ts';
import { counterpartOf, typeName } from './types.ts';

/** The entity of this name means in Feast: no entity. */
const DUMMY = '__dummy';
const KEY_TYPES: ReadonlySet<ScalarType> = new Set<ScalarType>([
  'string',
  'int',
  'long',
  'boolean',
  'timestamp',
  'date',
]);

export const isDummy = (name: string): boolean => name === DUMMY;

export interface EntityKeyOf {
  /** Feast's join key */
  readonly joinKey: string;
  readonly key: string;
  readonly type: ScalarType;
}

export interface ImportedEntity {
  readonly definition: EntityDefinition;
  readonly keys: readonly EntityKeyOf[];
}

export interface Entities {
  readonly definitions: readonly EntityDefinition[];
  /** null: an entity of the view could not be imported */
  of(view: FeastView): ImportedEntity | null;
}

/** The types of a join key in all views, in the registry's order. */
const typesInViews = (
  views: readonly FeastView[],
  { name, joinKey }: FeastEntity,
): (string | number)[] => [
  ...new Set(
    views
      .filter(({ entities }) => entities.includes(name))
      .flatMap(({ entityColumns }) =>
        entityColumns.filter((column) => column.name === joinKey).map(({ valueType }) => valueType),
      ),
  ),
];

const keyTypeOf = (
  entity: FeastEntity,
  views: readonly FeastView[],
  { notes }: Import,
): ScalarType | null => {
  const declared = entity.valueType === 'INVALID' ? [] : [entity.valueType];
  const given = [...typesInViews(views, entity), ...declared];
  const label = `${entity.name}.${entity.joinKey}`;
  if (given.length === 0) {
    notes.changed(
      'entity',
      label,
      'has no type in the registry; it is imported as a string',
      'correct the type before applying',
    );
    return 'string';
  }
  const types = given.map((type) => counterpartOf(type));
  const bases = types.flatMap((found) =>
    found === null || found.type.array || !KEY_TYPES.has(found.type.base) ? [] : [found.type.base],
  );
  if (bases.length < given.length) {
    const wrong =
      given[
        types.findIndex(
          (found) => found === null || found.type.array || !KEY_TYPES.has(found.type.base),
        )
      ];
    notes.lost(
      'entity',
      label,
      `a key cannot be ${typeName(wrong as string)}`,
      'use text or a whole number as the key in the rows',
    );
    return null;
  }
  const [first, ...others] = [...new Set(bases)] as [ScalarType, ...ScalarType[]];
  if (others.length === 0) return first;
  const wide = [first, ...others].every((type) => type === 'int' || type === 'long')
    ? 'long'
    : first;
  notes.changed(
    'entity',
    label,
    `is ${[first, ...others].join(' in one view and ')} in another; it is imported as ${wide}`,
    'check whether the rows fit',
  );
  return wide;
};

const everything = (imp: Import): ImportedEntity => ({
  definition: {
    kind: 'entity',
    name: imp.names.entity.of(DUMMY, 'everything'),
    keys: { [EVERYTHING.key]: 'string' },
    description: 'One for all: the view has no entity in Feast',
  },
  keys: [{ joinKey: EVERYTHING.key, key: EVERYTHING.key, type: 'string' }],
});

export const importEntities = (project: FeastProject, imp: Import): Entities => {
  const views: readonly FeastView[] = [...project.featureViews, ...project.streamFeatureViews];
  const single = new Map<string, ImportedEntity | null>();
  for (const feast of project.entities.filter(({ name }) => !isDummy(name))) {
    const type = keyTypeOf(feast, views, imp);
    if (type === null) {
      single.set(feast.name, null);
      continue;
    }
    const key = fieldNamed(imp, feast.joinKey);
    if (key !== feast.joinKey)
      imp.notes.changed(
        'entity',
        `${feast.name}.${feast.joinKey}`,
        `the key is named ${key} in Millrace`,
        'send it with that name',
      );
    const name = renamed(imp, 'entity', 'entity', feast.name, nameFrom(feast.name));
    const definition: EntityDefinition = {
      kind: 'entity',
      name,
      keys: { [key]: type },
      ...described(feast),
    };
    single.set(feast.name, { definition, keys: [{ joinKey: feast.joinKey, key, type }] });
  }
  const sets = new Map<string, ImportedEntity>();
  const ofSet = (names: readonly string[]): ImportedEntity | null => {
    const parts = names.map((name) => single.get(name) ?? null);
    if (parts.some((part) => part === null)) return null;
    const [one] = parts as ImportedEntity[];
    if (parts.length === 1) return one as ImportedEntity;
    const id = names.length === 0 ? DUMMY : [...names].sort().join('\0');
    let found = sets.get(id);
    if (found === undefined) {
      if (names.length === 0) found = everything(imp);
      else {
        const every = (parts as ImportedEntity[]).flatMap((part) => part.keys);
        const keys = every.filter(
          ({ key }, i) => every.findIndex((other) => other.key === key) === i,
        );
        const name = imp.names.entity.of(id, nameFrom(names.join('_')));
        const definition: EntityDefinition = {
          kind: 'entity',
          name,
          keys: Object.fromEntries(keys.map(({ key, type }) => [key, type])),
          description: `${names.join(' and ')} together`,
        };
        found = { definition, keys };
      }
      sets.set(id, found);
    }
    return found;
  };
  const ofView = (view: FeastView): ImportedEntity | null =>
    ofSet(view.entities.filter((name) => !isDummy(name)));
  // Combined entities are named in the registry's order, whichever view is imported first.
  for (const view of views) ofView(view);
  return {
    definitions: [...single.values(), ...sets.values()].flatMap((found) =>
      found === null ? [] : [found.definition],
    ),
    of: ofView,
  };
};
