import type { Command } from 'commander';
import type { Explanation } from '#domain/api/serving.ts';
import { query } from '../client.ts';
import { contextOf } from '../context.ts';
import { featureText } from '../definition-text.ts';
import { entityText, indent, show, showTime, table } from '../table.ts';
import { pairsOf, UsageError } from '../usage.ts';

const SHOWN = 20;

const some = <T>(
  values: readonly T[],
  total: number,
  what: string,
  text: (shown: readonly T[]) => string,
): string[] => {
  const shown = values.slice(0, SHOWN);
  const more =
    total > shown.length
      ? [
          `  … the first ${shown.length} of ${total} ${what}; --json prints all that the server sent`,
        ]
      : [];
  return [indent(text(shown)), ...more];
};

const explanationText = (e: Explanation): string => {
  const covers =
    e.covers.from === null
      ? `all events up to ${showTime(e.covers.to)}`
      : `events from ${showTime(e.covers.from)} to ${showTime(e.covers.to)}, inclusive`;
  return [
    `${e.view}.${e.feature} of ${entityText(e.entity)} is ${show(e.value)} (${e.status})`,
    `  at ${showTime(e.at)}, from events accepted up to ${showTime(e.known)}`,
    `  version ${e.version}, generation ${e.generation}`,
    '',
    'Definition',
    indent(featureText(e.definition, e.feature)),
    '',
    'Window',
    `  ${covers}`,
    '',
    `Tiles (${e.tiles.length})`,
    ...some(e.tiles, e.tiles.length, 'tiles', (tiles) =>
      table(
        ['from', 'to', 'newest event', 'state'],
        tiles.map((t) => [
          showTime(t.start),
          showTime(t.end),
          showTime(t.newestEventTime),
          show(t.state),
        ]),
      ),
    ),
    '',
    `Feature updates (${e.updates.length})`,
    ...some(e.updates, e.updates.length, 'updates', (updates) =>
      table(
        ['position', 'accepted', 'tile', 'caused by'],
        updates.map((u) => [u.position, showTime(u.logTime), showTime(u.tileStart), u.cause]),
      ),
    ),
    '',
    `Raw events (${e.eventsTotal})`,
    ...some(e.events, e.eventsTotal, 'events', (events) =>
      table(
        ['position', 'event time', 'accepted', 'counted', 'event'],
        events.map((event) => [
          event.position,
          showTime(event.eventTime),
          event.importedKnownTime === null
            ? showTime(event.logTime)
            : `imported, known since ${showTime(event.importedKnownTime)}`,
          event.counted ? 'yes' : (event.why ?? 'no'),
          show(event.row),
        ]),
      ),
    ),
    '',
    `${e.matches ? '✓' : '✗'} recomputed from these events: ${show(e.recomputed)}${e.matches ? '' : `, which is not ${show(e.value)}`}`,
  ].join('\n');
};

const explain = async (
  name: string,
  options: { readonly entity: readonly string[]; readonly at?: string; readonly known?: string },
  command: Command,
): Promise<void> => {
  const dot = Math.max(name.indexOf('.'), name.indexOf(':'));
  if (dot < 1 || dot === name.length - 1)
    throw new UsageError(`write the feature as VIEW.FEATURE, not ${JSON.stringify(name)}`);
  const { client, json, document, print } = contextOf(command);
  const entity = Object.fromEntries(
    pairsOf('--entity', options.entity).map(([key, value]) => [`entity.${key}`, value]),
  );
  const parameters = {
    view: name.slice(0, dot),
    feature: name.slice(dot + 1),
    ...entity,
    at: options.at,
    known: options.known,
  };
  const explanation = await client.get<Explanation>(`/v1/explain${query(parameters)}`);
  if (json) document(explanation);
  else print(explanationText(explanation));
  if (!explanation.matches) process.exitCode = 1;
};

export const addExplain = (program: Command): void => {
  program
    .command('explain')
    .description('show how a value was computed, down to its raw events')
    .argument('<view.feature>', 'the feature, as VIEW.FEATURE')
    .requiredOption('--entity <key=value...>', 'every key of the entity')
    .option('--at <time>', 'compute the value as of this event time; default: now')
    .option('--known <time>', 'use only events that were accepted by this time; default: now')
    .addHelpText(
      'after',
      '\nExample:\n  millrace explain airport_delays.delay_avg_1d --entity origin=ATL',
    )
    .action(explain);
};
