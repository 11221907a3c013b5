import type { Command } from 'commander';
import { fail } from '#domain/errors.ts';
import type { FeatureSkew, SkewCause, SkewExample, SkewReport } from '#domain/feature-log/skew.ts';
import { path, query } from '../client.ts';
import { contextOf } from '../context.ts';
import { entityText, indent, show, showTime, table } from '../table.ts';
import { wholeOption } from '../usage.ts';

const LABELS: Readonly<Record<SkewCause, string>> = {
  lag: 'lag',
  'left-out': 'left out',
  late: 'late data',
  definition: 'definition',
  unexplained: 'UNEXPLAINED',
};
const MEANINGS: Readonly<Record<SkewCause, string>> = {
  lag: 'accepted before the read, but not computed yet',
  'left-out': "accepted before the read, but after the view's lateness",
  late: 'event time before the read, accepted after it',
  definition: 'the definition has changed since',
  unexplained: 'no cause explains the value: this is a bug in Millrace; please report it',
};

const shareText = (share: number): string =>
  share === 0 ? '0 %' : share < 0.0001 ? '< 0.01 %' : `${Number((share * 100).toPrecision(3))} %`;

const exampleText = ({
  requestId,
  row,
  entity,
  at,
  served,
  eventTime,
  causes,
  events,
}: SkewExample): string =>
  [
    `${entityText(entity)} at ${showTime(at)}: served ${show(served)}, event-time ${show(eventTime)} (${causes.map((cause) => LABELS[cause]).join(', ')}), request ${requestId} row ${row + 1}`,
    ...events.map((event) =>
      indent(
        `${LABELS[event.cause]}: ${event.position}, of ${showTime(event.eventTime)}, accepted ${showTime(event.logTime)}`,
      ),
    ),
  ].join('\n');

const examplesOf = ({ feature, examples }: FeatureSkew): string =>
  [feature, ...examples.map((e) => indent(exampleText(e)))].join('\n');

const reportText = ({
  service,
  known,
  logged,
  compared,
  incomparable,
  views,
  features,
  gone,
  unexplained,
}: SkewReport): string => {
  const causes = (Object.keys(LABELS) as SkewCause[]).filter((cause) =>
    features.some((feature) => feature.causes[cause] > 0),
  );
  const rows = features.map((f) => [
    f.feature,
    f.compared,
    f.differing,
    shareText(f.share),
    f.largest,
    f.mean,
    f.featureLogNull + f.eventTimeNull,
    ...causes.map((cause) => f.causes[cause]),
  ]);
  const differing = features.filter(({ examples }) => examples.length > 0);
  return [
    `${service}: ${compared.rows} of ${logged.rows} logged rows compared (${compared.requests} requests), using events accepted up to ${showTime(known)}`,
    ...views.map(
      ({ view, version, generation }) =>
        `  ${view} version ${version}, generation ${show(generation)}`,
    ),
    '',
    table(
      [
        'feature',
        'rows',
        'differ',
        'share',
        'largest',
        'mean',
        'one null',
        ...causes.map((cause) => LABELS[cause]),
      ],
      rows,
    ),
    ...(causes.length === 0
      ? []
      : ['', ...causes.map((cause) => `${LABELS[cause]}: ${MEANINGS[cause]}`)]),
    ...(differing.length === 0 ? [] : ['', ...differing.map(examplesOf)]),
    ...(incomparable === 0
      ? []
      : [
          '',
          `${incomparable} rows lack keys or inputs that the service needs now, and are not compared`,
        ]),
    ...(gone.length === 0 ? [] : ['', `no longer part of the service: ${gone.join(', ')}`]),
    ...(unexplained === 0
      ? []
      : [
          '',
          `!! ${unexplained} differing values are UNEXPLAINED: this is a bug; please report it with the output of --json`,
        ]),
  ].join('\n');
};

const skew = async (
  service: string,
  options: { readonly since?: string; readonly until?: string; readonly sample?: number },
  command: Command,
): Promise<void> => {
  const { client, json, document, print } = contextOf(command);
  const report = await client.get<SkewReport>(
    `${path('v1', 'services', service, 'skew')}${query({ ...options })}`,
  );
  if (json) document(report);
  else print(reportText(report));
  if (report.unexplained === 0) return;
  if (json) process.exitCode = 1;
  else
    fail(
      'MR_INTERNAL',
      `${report.unexplained} served values of "${service}" differ without a cause`,
      { service },
    );
};

export const addSkew = (program: Command): void => {
  program
    .command('skew')
    .description(
      'compare logged answers with event-time values, and show how much they differ and why (the service must log its answers)',
    )
    .argument('<service>', 'name of the service')
    .option('--since <time>', 'compare only reads since this time')
    .option('--until <time>', 'compare only reads up to this time')
    .option(
      '--sample <n>',
      'compare about this many rows at most, always all rows of a request (default 10,000)',
      wholeOption('--sample', 1),
    )
    .addHelpText('after', '\nExample:\n  millrace skew delay_model --since 2026-01-31T00:00:00Z')
    .action(skew);
};
