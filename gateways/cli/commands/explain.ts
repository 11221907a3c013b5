import type { Command } from 'commander';
import type { Explanation } from '#domain/api/serving.ts';
import { MillraceError } from '#domain/errors.ts';
import { suggestion } from '#domain/values/did-you-mean.ts';
import { find } from '../catalog.ts';
import { type Client, query } from '../client.ts';
import { contextOf } from '../context.ts';
import { explanationText } from '../explanation-text.ts';
import { pairsOf, UsageError } from '../usage.ts';

interface ExplainOptions {
  readonly entity?: readonly string[];
  readonly request?: readonly string[];
  readonly at?: string;
  readonly known?: string;
}

interface Named {
  /** absent: an on-demand feature */
  readonly view?: string;
  readonly feature: string;
}

/** VIEW.FEATURE (or VIEW:FEATURE), or the name of an on-demand feature. */
const namedOf = (name: string): Named => {
  const dot = Math.max(name.indexOf('.'), name.indexOf(':'));
  if (dot < 0) return { feature: name };
  if (dot === 0 || dot === name.length - 1)
    throw new UsageError(
      `write a feature of a view as VIEW.FEATURE, not ${JSON.stringify(name)}; an on-demand feature has no view`,
    );
  return { view: name.slice(0, dot), feature: name.slice(dot + 1) };
};

/** @throws UsageError, MR_NOT_FOUND where the name is not that of an on-demand feature */
const mustBeOnDemand = async (client: Client, name: string): Promise<void> => {
  if ((await find(client, 'on-demand-feature', name)) !== null) return;
  for (const kind of ['feature-view', 'feature-service'] as const) {
    const entry = await find(client, kind, name);
    if (entry === null) continue;
    const what = kind === 'feature-view' ? `${name}.FEATURE` : 'one of its features';
    const names = (entry.features ?? []).map((f) => f.name).join(', ');
    throw new UsageError(`${name} is a ${kind}: explain ${what}; its features are ${names}`);
  }
  const names = (
    await client.get<{ readonly name: string }[]>('/v1/registry/on-demand-feature')
  ).map((entry) => entry.name);
  throw new MillraceError(
    'MR_NOT_FOUND',
    `there is no on-demand feature "${name}"; a feature of a view is written VIEW.FEATURE${suggestion(name, names)}`,
    { name },
  );
};

const explain = async (name: string, options: ExplainOptions, command: Command): Promise<void> => {
  const { view, feature } = namedOf(name);
  const given = [
    ...pairsOf('--entity', options.entity ?? []).map(([key, value]) => [`entity.${key}`, value]),
    ...pairsOf('--request', options.request ?? []).map(([key, value]) => [`request.${key}`, value]),
  ];
  if (view !== undefined && options.entity === undefined)
    throw new UsageError('an entity is required: --entity key=value …, with every key');
  const { client, json, document, print } = contextOf(command);
  if (view === undefined) await mustBeOnDemand(client, feature);
  const parameters = { view, feature, ...Object.fromEntries(given) };
  const explanation = await client.get<Explanation>(
    `/v1/explain${query({ ...parameters, at: options.at, known: options.known })}`,
  );
  if (json) document(explanation);
  else print(explanationText(explanation));
  if (!explanation.matches) process.exitCode = 1;
};

export const addExplain = (program: Command): void => {
  program
    .command('explain')
    .description('show how a value was computed, down to its raw events')
    .argument(
      '<feature>',
      'a feature of a view as VIEW.FEATURE, or the name of an on-demand feature',
    )
    .option('--entity <key=value...>', 'every key of the entity')
    .option('--request <key=value...>', 'request inputs of an on-demand feature')
    .option('--at <time>', 'compute the value as of this event time; default: now')
    .option('--known <time>', 'use only events that were accepted by this time; default: now')
    .addHelpText(
      'after',
      '\nExample:\n  millrace explain airport_delays.delay_avg_1d --entity origin=ATL\n  millrace explain late_risk --entity origin=ATL --request hour=18',
    )
    .action(explain);
};
