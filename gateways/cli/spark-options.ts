/** The options that say which Spark joins data sets (`dataset --engine spark`). */
import type { Command } from 'commander';
import { pairsOf } from './usage.ts';

export interface SparkFlags {
  readonly sparkSubmit: string;
  readonly sparkConf?: readonly string[];
}

export const addSparkOptions = (command: Command): Command =>
  command
    .option(
      '--spark-submit <command>',
      'command that starts a job of Spark, for data sets with --engine spark',
      'spark-submit',
    )
    .option(
      '--spark-conf <name=value...>',
      'properties of these jobs, such as spark.master=yarn or spark.driver.memory=4g',
    );

export const sparkOf = ({ sparkSubmit, sparkConf = [] }: SparkFlags) => ({
  command: sparkSubmit,
  conf: Object.fromEntries(pairsOf('--spark-conf', sparkConf)),
});
