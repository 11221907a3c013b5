/**
 * Builds Millrace's Java module with Maven. In a clone: in its folder, again whenever its sources
 * are newer than the jar. In a package, whose folder may be read-only: in the cache, once for these
 * sources.
 */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { cache, installation, once, run, type Say } from './fetch.ts';

const javaModule = join(installation, 'java');
const isClone = import.meta.filename.endsWith('.ts');
const JAR = join('target', 'millrace-java.jar');

const sources = (): readonly string[] =>
  ['pom.xml', ...globSync('src/**/*', { cwd: javaModule }).sort()]
    .map((file) => join(javaModule, file))
    .filter((file) => statSync(file).isFile());

const maven = (folder: string): Promise<string> =>
  run('mvn', ['-q', '-B', 'package', '-DskipTests'], folder);

const inClone = async (say: Say): Promise<string> => {
  const jar = join(javaModule, JAR);
  const newest = Math.max(...sources().map((file) => statSync(file).mtimeMs));
  if (!existsSync(jar) || statSync(jar).mtimeMs < newest) {
    say('building the Java module');
    await maven(javaModule);
  }
  return jar;
};

const inCache = async (say: Say): Promise<string> => {
  const hash = createHash('sha256');
  for (const file of sources())
    hash.update(relative(javaModule, file)).update('\0').update(readFileSync(file));
  const home = join(cache, `java-${hash.digest('hex').slice(0, 16)}`);
  await once(home, 'what the Java module needs, and building it', say, async (folder) => {
    cpSync(javaModule, folder, { recursive: true });
    await maven(folder);
  });
  return join(home, JAR);
};

let building: Promise<string> | null = null;

/** The path of the jar; it is built once for all servers that start together. */
export const buildJavaModule = (say: Say): Promise<string> => {
  building ??= (isClone ? inClone(say) : inCache(say)).finally(() => {
    building = null;
  });
  return building;
};
