import type { Command } from 'commander';
import type { ViewAnswer } from '#domain/api/serving.ts';
import type { FeatureStatus } from '#domain/plan/plan.ts';
import type { Row, Value } from '#domain/values/value.ts';
import { entitiesOf, findTarget, inputsOf, requestOf } from '../catalog.ts';
import { contextOf } from '../context.ts';
import { show, showTime, table } from '../table.ts';
import { UsageError } from '../usage.ts';

interface FeaturesAnswer {
  readonly rows: readonly Row[];
  readonly status: readonly (readonly FeatureStatus[])[];
  readonly features: readonly string[];
  readonly views: readonly ViewAnswer[];
  readonly at: number;
  readonly known: number;
  readonly degraded?: readonly string[];
}

interface GetOptions {
  readonly entity?: readonly string[];
  readonly request?: readonly string[];
  readonly at?: string;
  readonly known?: string;
  readonly after?: string;
}

const cell = (
  value: Value | undefined,
  status: FeatureStatus | undefined,
): string | number | null => {
  if (status !== undefined && status !== 'present' && status !== 'null')
    return value === null || value === undefined ? status : `${show(value)} (${status})`;
  return typeof value === 'number' || value === null || value === undefined
    ? (value ?? null)
    : show(value);
};

const tableOf = (
  { rows, status, features, views, at, known, degraded }: FeaturesAnswer,
  keys: readonly string[],
): string => {
  const lines = rows.map((row, r) => [
    ...keys.map((key) => cell(row[key], undefined)),
    ...features.map((name, f) => cell(row[name], status[r]?.[f])),
  ]);
  const notes = views.map(
    (view) =>
      `${view.view} version ${view.version}, generation ${view.generation}, events up to ${showTime(view.eventTime)}, complete through ${showTime(view.completeThrough)}`,
  );
  if (degraded !== undefined) notes.push(`degraded, but correct: ${degraded.join(', ')}`);
  return [
    table([...keys, ...features], lines),
    '',
    `at ${showTime(at)}, known ${showTime(known)}`,
    ...notes,
  ].join('\n');
};

const get = async (name: string, options: GetOptions, command: Command): Promise<void> => {
  if (options.entity === undefined)
    throw new UsageError('an entity is required: --entity key=value …, with every key');
  const { client, json, document, print } = contextOf(command);
  const target = await findTarget(client, name);
  const { keys, request } = await inputsOf(client, target);
  const { definition } = target;
  const wanted =
    definition.kind === 'feature-view'
      ? { features: Object.keys(definition.features).map((feature) => `${name}:${feature}`) }
      : { service: name };
  const body = {
    ...wanted,
    entities: entitiesOf(options.entity, keys),
    ...(options.request === undefined ? {} : { request: [requestOf(options.request, request)] }),
    at: options.at,
    known: options.known,
    after: options.after,
  };
  const answer = await client.post<FeaturesAnswer>('/v1/features', { body });
  if (json) document(answer);
  else print(tableOf(answer, [...keys.keys()]));
};

export const addGet = (program: Command): void => {
  program
    .command('get')
    .description('read feature values of entities, now or at a past time')
    .argument('<name>', 'a feature service or a feature view')
    .option(
      '--entity <key=value...>',
      'every key of the entity; a repeated key begins another entity',
    )
    .option('--request <key=value...>', 'request inputs of on-demand features')
    .option('--at <time>', 'compute the values as of this event time; default: now')
    .option('--known <time>', 'use only events that were accepted by this time; default: now')
    .option(
      '--after <position>',
      'wait until the values include this position, which `publish` or `apply` printed',
    )
    .addHelpText(
      'after',
      '\nExample:\n  millrace get delay_model --entity origin=ATL destination=LAX --request hour=18',
    )
    .action(get);
};
