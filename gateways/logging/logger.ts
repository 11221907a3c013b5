/** Lines on stderr: JSON for what collects logs, or text for who looks at a terminal. */
import { LOG_LEVELS, type LogFields, type Logger, type LogLevel } from '#domain/ports/logger.ts';

export type LogFormat = 'json' | 'text';

export interface LoggerOptions {
  readonly format: LogFormat;
  /** this level and what is graver */
  readonly level: LogLevel;
  readonly write?: (line: string) => void;
  readonly now?: () => number;
}

const entries = (fields: LogFields): [string, string | number | boolean][] =>
  Object.entries(fields).filter(
    (entry): entry is [string, string | number | boolean] => entry[1] != null,
  );

const asText = (value: string | number | boolean): string =>
  typeof value === 'string' && !/^[\w.:/@#-]+$/.test(value) ? JSON.stringify(value) : String(value);

/** A line break in a text would be a line of its own, which somebody else may have written. */
const oneLine = (text: string): string => text.replace(/\p{Cc}+/gu, ' ');

const FORMATS: Readonly<
  Record<LogFormat, (time: string, level: LogLevel, message: string, fields: LogFields) => string>
> = {
  json: (time, level, message, fields) =>
    JSON.stringify({ time, level, message, ...Object.fromEntries(entries(fields)) }),
  text: (time, level, message, fields) =>
    [
      time,
      level.toUpperCase().padEnd(5),
      oneLine(message),
      ...entries(fields).map(([k, v]) => `${k}=${asText(v)}`),
    ].join(' '),
};

export const createLogger = (options: LoggerOptions): Logger => {
  const {
    format,
    level,
    now = Date.now,
    write = (line) => void process.stderr.write(line),
  } = options;
  const least = LOG_LEVELS.indexOf(level);
  const line = FORMATS[format];
  const writes = (asked: LogLevel): boolean => LOG_LEVELS.indexOf(asked) >= least;
  return {
    writes,
    log(asked, message, fields = {}) {
      if (writes(asked)) write(`${line(new Date(now()).toISOString(), asked, message, fields)}\n`);
    },
  };
};
