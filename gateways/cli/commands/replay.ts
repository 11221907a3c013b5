import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { CatalogEntry } from '#domain/api/registry.ts';
import type { ReplayComparison, ReplayStatus } from '#domain/api/replays.ts';
import { fail } from '#domain/errors.ts';
import { entitiesOf, find, inputsOf } from '../catalog.ts';
import { type Client, path } from '../client.ts';
import { type Context, contextOf } from '../context.ts';
import { bar, createProgress } from '../progress.ts';
import { entityText, facts, percent, show, showTime, table } from '../table.ts';

interface StartOptions {
  readonly from?: string;
  readonly to?: string;
  readonly reason?: string;
  readonly entity?: readonly string[];
  readonly wait?: boolean;
}

const POLL_MS = 200;

const replayFacts = (replay: ReplayStatus): string =>
  facts([
    ['replay', replay.id],
    ['view', `${replay.view} version ${replay.version}, generation ${replay.generation}`],
    ['state', replay.state],
    ['progress', `${percent(replay.progress)}, ${replay.events} events`],
    ['from', showTime(replay.from)],
    ['to', showTime(replay.to)],
    ['started', `${showTime(replay.startedAt)} by ${replay.actor}`],
    ['finished', showTime(replay.finishedAt)],
    ['reason', replay.reason],
    ...(replay.error === null ? [] : ([['error', replay.error]] as const)),
  ]);

const entitiesFor = async (
  client: Client,
  view: string,
  texts: readonly string[],
): Promise<Record<string, unknown>[]> => {
  const entry: CatalogEntry | null = await find(client, 'feature-view', view);
  if (entry === null) return fail('MR_NOT_FOUND', `there is no feature view "${view}"`, { view });
  return entitiesOf(texts, (await inputsOf(client, entry)).keys);
};

const waitUntilFilled = async (
  { client }: Context,
  started: ReplayStatus,
): Promise<ReplayStatus> => {
  const progress = createProgress();
  let replay = started;
  while (replay.state === 'filling') {
    progress.update(`${bar(replay.progress)} ${replay.events} events`);
    await sleep(POLL_MS);
    replay = await client.get<ReplayStatus>(path('v1', 'replays', started.id));
  }
  progress.end();
  return replay;
};

const start = async (
  view: string,
  { wait, entity, ...options }: StartOptions,
  command: Command,
): Promise<void> => {
  const context = contextOf(command);
  const { client, json, document, print } = context;
  const entities =
    entity === undefined ? {} : { entities: await entitiesFor(client, view, entity) };
  const { from, to, reason } = options;
  const started = await client.post<ReplayStatus>('/v1/replays', {
    body: { view, from, to, reason, ...entities },
  });
  const replay = wait === true ? await waitUntilFilled(context, started) : started;
  if (json) document(replay);
  else print(replayFacts(replay));
  if (replay.state === 'failed')
    fail(
      'MR_REPLAY_STATE',
      `replay ${replay.id} failed: ${replay.error ?? 'the cause is unknown'}`,
      {
        id: replay.id,
      },
    );
};

const list = async (_options: unknown, command: Command): Promise<void> => {
  const { client, json, records, print } = contextOf(command);
  const replays = await client.get<ReplayStatus[]>('/v1/replays');
  if (json) return records(replays);
  const rows = replays.map((r) => [
    r.id,
    r.view,
    r.version,
    r.generation,
    r.state,
    percent(r.progress),
    showTime(r.startedAt),
    r.actor,
    r.reason,
  ]);
  print(
    table(
      [
        'replay',
        'view',
        'version',
        'generation',
        'state',
        'progress',
        'started',
        'actor',
        'reason',
      ],
      rows,
    ),
  );
};

const showReplay = async (id: string, _options: unknown, command: Command): Promise<void> => {
  const { client, json, document, print } = contextOf(command);
  const replay = await client.get<ReplayStatus>(path('v1', 'replays', id));
  if (json) document(replay);
  else print(replayFacts(replay));
};

const comparisonText = ({
  view,
  live,
  candidate,
  at,
  features,
  onlyLive,
  onlyCandidate,
}: ReplayComparison): string => {
  const side = (
    name: string,
    s: { version: number; generation: number; entities: number } | null,
  ) =>
    s === null
      ? `${name}: none`
      : `${name}: version ${s.version}, generation ${s.generation}, ${s.entities} entities`;
  const examples = features.flatMap((feature) =>
    feature.examples.map(
      (e) => `  ${feature.name} of ${entityText(e.entity)}: ${show(e.live)} → ${show(e.candidate)}`,
    ),
  );
  return [
    `${view} at ${showTime(at)}`,
    side('live', live),
    side('candidate', candidate),
    '',
    table(
      ['feature', 'compared', 'differing', 'largest'],
      features.map((f) => [f.name, f.compared, f.differing, f.largest]),
    ),
    ...(examples.length === 0 ? [] : ['', 'live → candidate:', ...examples]),
    ...(onlyLive.length === 0 ? [] : [`only in live: ${onlyLive.join(', ')}`]),
    ...(onlyCandidate.length === 0 ? [] : [`only in the candidate: ${onlyCandidate.join(', ')}`]),
  ].join('\n');
};

const compare = async (id: string, _options: unknown, command: Command): Promise<void> => {
  const { client, json, document, print } = contextOf(command);
  const comparison = await client.get<ReplayComparison>(path('v1', 'replays', id, 'compare'));
  if (json) document(comparison);
  else print(comparisonText(comparison));
};

const change =
  (action: string) =>
  async (id: string, { reason }: { reason?: string }, command: Command): Promise<void> => {
    const { client, json, document, print } = contextOf(command);
    const replay = await client.post<ReplayStatus>(path('v1', 'replays', id, action), {
      body: { reason },
    });
    if (json) document(replay);
    else if (action === 'retire')
      print(`generation ${replay.generation} of ${replay.view} is ${replay.state}`);
    else print(`replay ${replay.id} of ${replay.view}: ${replay.state}`);
  };

const REPLAY_ID =
  'id of the replay, from `millrace replay list`; for a generation without a replay, VIEW@GENERATION';

const ACTIONS: Readonly<Record<string, string>> = {
  promote: 'make the generation of a replay live',
  rollback: 'make the previous generation live again',
  abandon: 'cancel a replay that was not promoted, and drop its generation',
  retire:
    'delete the generation of a replay, if it is no longer live; for the live one, delete the generation that it replaced. A rollback to the deleted one is then impossible',
};

export const addReplay = (program: Command): void => {
  const replay = program
    .command('replay')
    .description('recompute a feature view beside the live one, compare, and switch to it');
  replay
    .command('start')
    .description('fill a new generation of a view from the history and the log')
    .argument('<view>', 'name of the view')
    .option(
      '--from <time>',
      'recompute from this event time on; the rest is copied from the live generation',
    )
    .option(
      '--to <time>',
      'recompute up to this event time; the rest is copied from the live generation',
    )
    .option('--reason <text>', 'why, for the audit log')
    .option(
      '--entity <key=value...>',
      'recompute only these entities, given by every key; a repeated key begins another entity',
    )
    .option('--wait', 'wait until the new generation is filled')
    .addHelpText(
      'after',
      '\nExample:\n  millrace replay start airport_delays --reason "corrected delays" --wait',
    )
    .action(start);
  replay
    .command('list')
    .description('list all replays')
    .addHelpText('after', '\nExample:\n  millrace replay list')
    .action(list);
  replay
    .command('show')
    .description('show one replay')
    .argument('<id>', REPLAY_ID)
    .addHelpText('after', '\nExample:\n  millrace replay show airport_delays-2')
    .action(showReplay);
  replay
    .command('compare')
    .description("show how a replay's values differ from the live ones")
    .argument('<id>', REPLAY_ID)
    .addHelpText('after', '\nExample:\n  millrace replay compare airport_delays-2')
    .action(compare);
  for (const [action, description] of Object.entries(ACTIONS)) {
    replay
      .command(action)
      .description(description)
      .argument('<id>', REPLAY_ID)
      .option('--reason <text>', 'why, for the audit log')
      .addHelpText(
        'after',
        `\nExample:\n  millrace replay ${action} airport_delays-2 --reason "checked"`,
      )
      .action(change(action));
  }
};
