/** The engines that join data sets: Spark on both profiles, and those of the profile. */
import type { JoinEngine } from '#domain/ports/join-engine.ts';
import { sparkEngine } from '#infra/spark/engine.ts';
import { buildJavaModule } from '#infra/stack/java-module.ts';

export interface SparkSettings {
  /** `spark-submit`, or its path */
  readonly command?: string;
  /** properties of Spark */
  readonly conf?: Readonly<Record<string, string>>;
}

export const joinEngines = (
  { command = 'spark-submit', conf = {} }: SparkSettings,
  ofProfile: readonly JoinEngine[],
  warn: (message: string) => void,
): readonly JoinEngine[] => [
  sparkEngine({ command, conf, jar: () => buildJavaModule(warn) }),
  ...ofProfile,
];
