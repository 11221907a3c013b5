/** The option `--keep-log DURATION`. */
import { Option } from 'commander';
import { durationOption, UsageError } from './usage.ts';

/** A shorter time could pass while one answer is computed from history and log. */
const LEAST_MS = 60_000;
const durationOf = durationOption('--keep-log', '"all" keeps all events.');

/** @returns ms; null: for ever */
export const keepLogOf = (text: string): number | null => {
  if (text === 'all') return null;
  const ms = durationOf(text);
  if (ms >= LEAST_MS) return ms;
  throw new UsageError(
    `--keep-log must be at least 1m, not ${JSON.stringify(text)}; "all" keeps all events`,
  );
};

export const keepLogOption = (): Option =>
  new Option(
    '--keep-log <duration>',
    'how long the log keeps events that the history has, such as 24h; all: for ever, or on the stack as long as Kafka does; default: 24h, on the stack all',
  ).argParser(keepLogOf);
