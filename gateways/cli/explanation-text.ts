/** Explanations as text for a terminal. */
import type { Explanation, OnDemandExplanation, ViewExplanation } from '#domain/api/serving.ts';
import { viewFeatureText } from './definition-text.ts';
import { entityText, indent, show, showTime, table } from './table.ts';

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

const checkText = (e: Explanation, from: string): string =>
  `${e.matches ? '✓' : '✗'} recomputed from ${from}: ${show(e.recomputed)}${
    e.matches ? '' : `, which is not ${show(e.value)}`
  }`;

const coversText = ({ covers: { from, to } }: ViewExplanation): string =>
  from === null
    ? `all events up to ${showTime(to)}`
    : `events from ${showTime(from)} to ${showTime(to)}, inclusive`;

const viewText = (e: ViewExplanation): string =>
  [
    `${e.view}.${e.feature} of ${entityText(e.entity)} is ${show(e.value)} (${e.status})`,
    `  at ${showTime(e.at)}, from events accepted up to ${showTime(e.known)}`,
    `  type ${e.type}, version ${e.version}, generation ${e.generation}`,
    '',
    'Definition',
    indent(viewFeatureText(e.definition, e.feature)),
    '',
    'Window',
    `  ${e.window === null ? 'all time' : `${e.window} in hops of ${e.hop}`}`,
    `  ${coversText(e)}`,
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
    checkText(e, 'these events'),
  ].join('\n');

const onDemandText = (e: OnDemandExplanation): string =>
  [
    `${e.feature} of ${entityText(e.entity)} is ${show(e.value)} (${e.status})`,
    `  at ${showTime(e.at)}, from events accepted up to ${showTime(e.known)}`,
    `  type ${e.type}, version ${e.version}, computed on demand`,
    '',
    'Definition',
    `  ${e.expression}`,
    '',
    `Inputs (${e.inputs.length})`,
    indent(
      table(
        ['input', 'value', 'type', 'from'],
        e.inputs.map(({ parameter, value, type, from, name }) => [
          parameter,
          show(value),
          type,
          from === 'request' ? `request ${name}` : name.replace(':', '.'),
        ]),
      ),
    ),
    '',
    checkText(e, 'these inputs'),
    ...e.inputs.flatMap(({ parameter, explanation }) =>
      explanation === null ? [] : ['', `Input ${parameter}`, indent(explanationText(explanation))],
    ),
  ].join('\n');

export const explanationText = (e: Explanation): string =>
  'view' in e ? viewText(e) : onDemandText(e);
