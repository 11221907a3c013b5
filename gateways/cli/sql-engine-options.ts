/** The options of `serve` that say where other SQL engines are. */
import { type Command, Option } from 'commander';

export interface SqlEngineFlags {
  readonly sqlEngine: readonly string[];
  readonly sqlEngines?: string;
}

export const addSqlEngineOptions = (command: Command): Command =>
  command
    .addOption(
      new Option(
        '--sql-engine <engine=url>',
        'SQL engine that `millrace sql --engine` asks, such as trino=http://host:8080; can be repeated',
      )
        .argParser((text: string, before: readonly string[]) => [...before, text])
        .default([], 'none'),
    )
    .option(
      '--sql-engines <file>',
      'JSON file with SQL engines, their users and files of passwords; default: MILLRACE_SQL_ENGINES',
    );
