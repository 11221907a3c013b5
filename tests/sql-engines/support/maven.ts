/** Programs and jars from Maven Central, downloaded once into the cache of the stack's servers. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cache, once, run } from '#infra/stack/fetch.ts';

const say = (line: string): void => console.warn(line);

/** @param artifacts group:artifact:version, without their dependencies */
export const jars = async (name: string, artifacts: readonly string[]): Promise<string[]> => {
  const home = await once(join(cache, name), name, say, async (folder) => {
    mkdirSync(folder, { recursive: true });
    for (const artifact of artifacts)
      await run(
        'mvn',
        ['-q', '-B', 'dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`],
        folder,
      );
  });
  return readdirSync(home)
    .filter((file) => file.endsWith('.jar'))
    .map((file) => join(home, file));
};

/**
 * An archive, of which only some files are kept.
 * @param keep patterns of tar
 * @returns the folder that has the archive's top folder
 */
export const archive = (name: string, artifact: string, keep: readonly string[]): Promise<string> =>
  once(join(cache, name), name, say, async (folder) => {
    await run(
      'mvn',
      ['-q', '-B', 'dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`],
      folder,
    );
    const file = readdirSync(folder).find((one) => one.endsWith('.tar.gz')) ?? 'nothing';
    await run('tar', ['xzf', file, '--no-same-owner', '--wildcards', ...keep], folder);
    rmSync(join(folder, file));
  });
