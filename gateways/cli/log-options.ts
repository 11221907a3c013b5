/** The options of `serve` for its log lines. */
import { type Command, Option } from 'commander';
import { LOG_LEVELS, type LogLevel } from '#domain/ports/logger.ts';
import type { LogFormat } from '#gateways/logging/logger.ts';
import { SLOW_MS } from '#gateways/logging/request-log.ts';
import { wholeOption } from './usage.ts';

export interface LogFlags {
  readonly logFormat: LogFormat;
  readonly logLevel: LogLevel;
  /** ms */
  readonly logSlow: number;
}

export const addLogOptions = (command: Command): Command =>
  command
    .addOption(
      new Option('--log-format <format>', 'format of the log lines on stderr')
        .choices(['text', 'json'])
        .default('text'),
    )
    .addOption(
      new Option('--log-level <level>', 'log this level and the more severe ones')
        .choices([...LOG_LEVELS])
        .default('info'),
    )
    .option(
      '--log-slow <ms>',
      'log requests that take this many ms or longer, as warnings',
      wholeOption('--log-slow'),
      SLOW_MS,
    );
