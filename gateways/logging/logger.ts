/** Log lines on stderr: JSON for log collectors, or text for a terminal. */
import { LOG_LEVELS, type LogFields, type Logger, type LogLevel } from '#domain/ports/logger.ts';

export type LogFormat = 'json' | 'text';

export interface LoggerOptions {
  readonly format: LogFormat;
  /** this level and the more severe ones */
  readonly level: LogLevel;
  readonly write?: (line: string) => void;
  readonly now?: () => number;
}

const entries = (fields: LogFields): [string, string | number | boolean][] =>
  Object.entries(fields).filter(
    (entry): entry is [string, string | number | boolean] => entry[1] != null,
  );

/** JSON escapes C0 itself, and not DEL and C1, which terminals obey as well. */
const escaped = (json: string): string =>
  json.replace(/\p{Cc}/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

const asText = (value: string | number | boolean): string =>
  typeof value === 'string' && !/^[\w.:/@#-]+$/.test(value)
    ? escaped(JSON.stringify(value))
    : String(value);

/** A line break in a value could forge a log line of its own. */
const oneLine = (text: string): string => text.replace(/\p{Cc}+/gu, ' ');

const FORMATS: Readonly<
  Record<LogFormat, (time: string, level: LogLevel, message: string, fields: LogFields) => string>
> = {
  json: (time, level, message, fields) =>
    escaped(JSON.stringify({ time, level, message, ...Object.fromEntries(entries(fields)) })),
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
  const writes = (wanted: LogLevel): boolean => LOG_LEVELS.indexOf(wanted) >= least;
  return {
    writes,
    log(wanted, message, fields = {}) {
      if (writes(wanted))
        write(`${line(new Date(now()).toISOString(), wanted, message, fields)}\n`);
    },
  };
};
