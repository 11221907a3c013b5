/** A platform on an empty directory with the flights example applied, for benchmarks. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Platform } from '#domain/api/platform.ts';
import type { Definition } from '#domain/definitions/model.ts';
import { type EmbeddedOptions, startEmbedded } from '#infra/profiles/embedded.ts';
import * as example from '../../examples/flights/features.ts';

export const caller = { actor: 'bench' };

export const exampleDefinitions = (): Definition[] =>
  Object.values(example).map((definition) => JSON.parse(JSON.stringify(definition)) as Definition);

interface BenchPlatform {
  readonly platform: Platform;
  readonly directory: string;
  readonly close: () => Promise<void>;
}

export const startBenchPlatform = async (
  definitions: readonly Definition[] = exampleDefinitions(),
  options: Partial<EmbeddedOptions> = {},
): Promise<BenchPlatform> => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  const platform = await startEmbedded({ ...options, dataDirectory: directory });
  await platform.registry.apply(definitions, { reason: 'bench' }, caller);
  return {
    platform,
    directory,
    async close() {
      await platform.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};
