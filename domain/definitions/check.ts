/**
 * Checks a definition against the definitions that it refers to. Pure: look-ups give the registered
 * definitions.
 */
import type { Problem } from '#domain/errors.ts';
import { suggestion } from '#domain/values/did-you-mean.ts';
import { readFieldType } from '#domain/values/field-type.ts';
import type { FieldType } from '#domain/values/value.ts';
import { checkDuration, type Lookups, type Report, reportAbsent } from './check-context.ts';
import { checkDimension } from './check-dimension.ts';
import { checkKeepHistory } from './check-keep-history.ts';
import { checkOnDemand } from './check-on-demand.ts';
import { checkFeatureView } from './check-view.ts';
import type {
  Definition,
  EntityDefinition,
  FeatureServiceDefinition,
  SourceDefinition,
} from './model.ts';
import { FIELD_NAME, FIELD_NAME_RULE, NAME, NAME_RULE } from './names.ts';

export type { Lookups } from './check-context.ts';

/** Types whose equal values have equal text, which a key needs. */
export const KEY_TYPES = new Set(['string', 'int', 'long', 'boolean', 'timestamp', 'date']);

function checkEntity(def: EntityDefinition, report: Report): void {
  const keys = Object.entries(def.keys);
  if (keys.length === 0) report('MR_DEFINITION_INVALID', `entity ${def.name}: needs a key.`);
  for (const [key, type] of keys) {
    if (!FIELD_NAME.test(key))
      report(
        'MR_DEFINITION_INVALID',
        `entity ${def.name}: the key ${JSON.stringify(key)} must be ${FIELD_NAME_RULE}.`,
      );
    if (!KEY_TYPES.has(type))
      report(
        'MR_DEFINITION_INVALID',
        `entity ${def.name}: the key ${key} cannot be of type ${type}: use ${[...KEY_TYPES].join(', ')}.`,
      );
  }
}

/** Where an event is in the log: columns of its table beside the fields. */
const HISTORY_COLUMNS = new Set(['_partition', '_offset', '_log_time']);

function checkSource(def: SourceDefinition, report: Report): void {
  const invalid = (what: string) =>
    report('MR_DEFINITION_INVALID', `source ${def.name}: ${what}${what.endsWith('?') ? '' : '.'}`);
  const types = new Map<string, FieldType>();
  const seen = new Map<string, string>();
  for (const [field, text] of Object.entries(def.fields)) {
    const like = seen.get(field.toLowerCase());
    if (like !== undefined)
      invalid(
        `the fields ${like} and ${field} differ only in case, and SQL engines that read the history take them for one: rename one`,
      );
    seen.set(field.toLowerCase(), field);
    if (HISTORY_COLUMNS.has(field.toLowerCase()))
      invalid(`the field ${field} has the name of a column that the history adds: rename it`);
    const type = readFieldType(text);
    if (!FIELD_NAME.test(field))
      invalid(`the field ${JSON.stringify(field)} must be ${FIELD_NAME_RULE}`);
    if (type === undefined)
      invalid(`the field ${field} has the type ${JSON.stringify(text)}, which is not a type`);
    else types.set(field, type);
  }
  const names = Object.keys(def.fields);
  const notAField = (option: string, name: string) =>
    invalid(
      `${option} names ${JSON.stringify(name)}, which is not a field (fields are ${names.join(', ')}${suggestion(name, names)})`,
    );
  const time = types.get(def.eventTime);
  if (time === undefined) {
    if (!Object.hasOwn(def.fields, def.eventTime)) notAField('eventTime', def.eventTime);
  } else if (time.array || (time.base !== 'timestamp' && time.base !== 'date')) {
    invalid(
      `the event time ${def.eventTime} must be of type timestamp or date, is ${def.fields[def.eventTime]}`,
    );
  } else if (time.nullable) {
    invalid(`the event time ${def.eventTime} cannot be nullable: every event needs one`);
  }
  if (def.eventId !== undefined) {
    const id = types.get(def.eventId);
    if (!Object.hasOwn(def.fields, def.eventId)) notAField('eventId', def.eventId);
    else if (id && (id.array || !['string', 'int', 'long', 'bytes'].includes(id.base))) {
      invalid(
        `the event id ${def.eventId} must be a string, int, long or bytes, is ${def.fields[def.eventId]}`,
      );
    }
  }
  if (def.knownTime !== undefined) {
    const type = types.get(def.knownTime);
    if (!Object.hasOwn(def.fields, def.knownTime)) notAField('knownTime', def.knownTime);
    else if (type && (type.base !== 'timestamp' || type.array || !type.nullable))
      invalid(
        `the known time ${def.knownTime} must be of type timestamp?, is ${def.fields[def.knownTime]}: it is null in every event that is not imported`,
      );
  }
  if (def.partitionBy?.length === 0)
    invalid('partitionBy is empty: name the fields that identify an entity, or leave it out');
  for (const field of def.partitionBy ?? []) {
    const type = types.get(field);
    if (!Object.hasOwn(def.fields, field)) notAField('partitionBy', field);
    else if (type && (type.array || !KEY_TYPES.has(type.base)))
      invalid(
        `partitionBy cannot use ${field} of type ${def.fields[field]}: use ${[...KEY_TYPES].join(', ')}`,
      );
  }
  checkDimension(def, types, KEY_TYPES, invalid);
  if (def.dedupeWindow !== undefined)
    checkDuration(def.dedupeWindow, `source ${def.name}: dedupeWindow`, 0, report);
  checkKeepHistory(def, invalid, report);
}

function checkService(def: FeatureServiceDefinition, lookups: Lookups, report: Report): void {
  const what = `feature service ${def.name}`;
  const seen = new Map<string, string>();
  const take = (name: string, from: string) => {
    const before = seen.get(name);
    if (before !== undefined)
      report(
        'MR_DEFINITION_INVALID',
        `${what}: the feature ${name} appears twice, from ${before} and from ${from}: rename one.`,
      );
    seen.set(name, from);
  };
  if (def.features.length === 0) report('MR_DEFINITION_INVALID', `${what}: needs a feature.`);
  if (def.logging !== undefined && !(def.logging.sample >= 0 && def.logging.sample <= 1))
    report(
      'MR_DEFINITION_INVALID',
      `${what}: logging.sample is ${def.logging.sample}; it must be a share from 0 to 1.`,
    );
  for (const member of def.features) {
    if (member.from === 'on-demand') {
      if (!lookups.onDemand(member.name))
        reportAbsent(what, 'on-demand-feature', member.name, lookups, report);
      take(member.name, 'on demand');
      continue;
    }
    const view = lookups.view(member.view);
    if (!view) reportAbsent(what, 'feature-view', member.view, lookups, report);
    for (const feature of member.features) {
      if (view && member.version === undefined && !Object.hasOwn(view.features, feature)) {
        const names = Object.keys(view.features);
        report(
          'MR_UNKNOWN_REFERENCE',
          `${what}: ${member.view} has no feature ${JSON.stringify(feature)}: it has ${names.join(', ')}${suggestion(feature, names) || '.'}`,
        );
      }
      take(feature, member.view);
    }
  }
}

export function checkDefinition(def: Definition, lookups: Lookups): Problem[] {
  const problems: Problem[] = [];
  const report: Report = (code, message) =>
    void problems.push({ code, message, details: { kind: def.kind, name: def.name } });
  if (!NAME.test(def.name))
    report(
      'MR_DEFINITION_INVALID',
      `${def.kind}: the name ${JSON.stringify(def.name)} must be ${NAME_RULE}.`,
    );
  switch (def.kind) {
    case 'entity':
      checkEntity(def, report);
      break;
    case 'source':
      checkSource(def, report);
      break;
    case 'feature-view':
      checkFeatureView(def, lookups, report);
      break;
    case 'on-demand-feature':
      checkOnDemand(def, lookups, report);
      break;
    case 'feature-service':
      checkService(def, lookups, report);
      break;
  }
  return problems;
}

/**
 * Names that occur twice among definitions that are applied together. Names are unique within a
 * kind.
 */
export function checkDuplicates(definitions: readonly Definition[]): Problem[] {
  const seen = new Set<string>();
  const problems: Problem[] = [];
  for (const { kind, name } of definitions) {
    const id = `${kind}/${name}`;
    if (seen.has(id))
      problems.push({
        code: 'MR_DEFINITION_INVALID',
        message: `The ${kind} ${name} is defined twice: rename one.`,
        details: { kind, name },
      });
    seen.add(id);
  }
  return problems;
}
