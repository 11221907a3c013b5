import type { Command } from 'commander';
import type { EngineJob, PlatformStatus } from '#domain/api/operations.ts';
import { durationText } from '#domain/values/duration.ts';
import { contextOf } from '../context.ts';
import { facts, percent, showTime, table } from '../table.ts';

const jobsText = (jobs: readonly EngineJob[]): string[] =>
  jobs.length === 0
    ? []
    : [
        '\nJobs',
        table(
          ['job', 'state', 'restarts', 'last checkpoint', 'last failure'],
          jobs.map((job) => [
            job.name,
            job.state,
            job.restarts,
            showTime(job.checkpointAt),
            job.failure ?? '',
          ]),
        ),
      ];

const bytes = (count: number): string =>
  count < 2 ** 20 ? `${Math.ceil(count / 2 ** 10)} KiB` : `${Math.round(count / 2 ** 20)} MiB`;

const storageFacts = ({ storage }: PlatformStatus): [string, string][] =>
  storage === undefined
    ? []
    : [
        [
          'log',
          `${bytes(storage.logBytes)}${storage.logFreeBytes === 0 ? '' : `, of which ${bytes(storage.logFreeBytes)} are free for new events`}`,
        ],
        ['history', bytes(storage.historyBytes)],
      ];

/** What the log itself still has: older events are in the history only. */
const keptText = ({ sources }: PlatformStatus): string[] => {
  const kept = sources.flatMap((x) => (x.kept === undefined ? [] : [{ ...x.kept, of: x.source }]));
  return kept.length === 0
    ? []
    : [
        '\nKept in the log',
        table(
          ['source', 'events', 'oldest accepted'],
          kept.map(({ of, events, oldest }) => [of, events, showTime(oldest)]),
        ),
      ];
};

const statusText = (s: PlatformStatus): string =>
  [
    facts([
      ['profile', s.profile],
      ['version', s.version],
      ['running since', `${showTime(s.startedAt)} (${durationText(Date.now() - s.startedAt)})`],
      ['data', s.dataDirectory],
      ['memory', `${Math.round(s.memoryBytes / 2 ** 20)} MiB`],
      ...storageFacts(s),
      [
        'degraded',
        s.degraded === undefined || s.degraded.length === 0 ? 'no' : s.degraded.join(', '),
      ],
    ]),
    '\nSources',
    table(
      [
        'source',
        'events',
        'rejected',
        'newest event',
        'position',
        'in history',
        'history size',
        'rows',
        'begins',
      ],
      s.sources.map((x) => [
        x.source,
        x.events,
        x.rejected,
        showTime(x.newestEventTime),
        x.position,
        x.historyError ?? x.historyPosition,
        x.historyBytes === null ? '' : bytes(x.historyBytes),
        x.historyRows ?? '',
        showTime(x.historyHorizon),
      ]),
    ),
    ...keptText(s),
    '\nViews',
    table(
      [
        'view',
        'version',
        'generation',
        'state',
        'entities',
        'tiles',
        'late',
        'lag',
        'newest event',
        'position',
      ],
      s.views.map((v) => [
        v.view,
        v.version,
        v.generation,
        v.state,
        v.entities,
        v.tiles,
        v.late,
        v.lag,
        showTime(v.eventTime),
        v.position,
      ]),
    ),
    ...s.views.flatMap((v) => (v.error === null ? [] : [`${v.view}: ${v.error}`])),
    ...jobsText([...s.views.flatMap((v) => v.job ?? []), ...(s.jobs ?? [])]),
    ...(s.readsByStore === undefined
      ? []
      : [
          '\nRows read',
          table(['cache tier', 'durable tier', 'raw events'], [Object.values(s.readsByStore)]),
        ]),
    '\nReplays',
    table(
      ['replay', 'view', 'generation', 'state', 'progress'],
      s.replays.map((r) => [r.id, r.view, r.generation, r.state, percent(r.progress)]),
    ),
  ].join('\n');

const status = async (_options: unknown, command: Command): Promise<void> => {
  const { client, json, document, print } = contextOf(command);
  const result = await client.get<PlatformStatus>('/v1/status');
  if (json) document(result);
  else print(statusText(result));
};

export const addStatus = (program: Command): void => {
  program
    .command('status')
    .description('show the progress and freshness of sources, views and replays')
    .addHelpText('after', '\nExample:\n  millrace status')
    .action(status);
};
