/**
 * Loads modules of definitions, from any folder. In them, and in the files that they import,
 * `millrace` is this installation. A file with `import` or `export` is a module, whatever its
 * package.json says: npm writes `"type": "commonjs"` into new ones.
 */
import { existsSync, readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compileFunction } from 'node:vm';
import { fail, MillraceError } from '#domain/errors.ts';
import { suggestion } from '#domain/values/did-you-mean.ts';

/** `.ts` in the clone, `.js` in the package. */
const BUILT = extname(import.meta.url);
const ENTRIES: Readonly<Record<string, string>> = {
  millrace: new URL(`../../domain/definitions/index${BUILT}`, import.meta.url).href,
  'millrace/client': new URL(`../../client/index${BUILT}`, import.meta.url).href,
};

/** Endings of modules, and what Node calls a file with this ending that is a module. */
const MODULES: Readonly<Record<string, string>> = {
  '.ts': 'module-typescript',
  '.mts': 'module-typescript',
  '.cts': 'module-typescript',
  '.js': 'module',
  '.mjs': 'module',
  '.cjs': 'module',
};
export const MODULE_ENDINGS = Object.keys(MODULES);

/** What editors let people leave out, or write as it would be after a build. */
const INSTEAD: readonly (readonly [ending: RegExp, replacements: readonly string[]])[] = [
  [/\.js$/, ['.ts']],
  [/\.mjs$/, ['.mts']],
  [/\.cjs$/, ['.cts']],
  [/$/, ['.ts', '.mts', '.js', '.mjs', '/index.ts', '/index.js']],
];

/** The file that a relative import means, if there is none of its name. */
const meantBy = (specifier: string, parent: string | undefined): string | null => {
  if (!/^\.{0,2}\//.test(specifier) || parent?.startsWith('file:') !== true) return null;
  for (const [ending, replacements] of INSTEAD) {
    if (!ending.test(specifier)) continue;
    for (const replacement of replacements) {
      const url = new URL(specifier.replace(ending, replacement), parent);
      if (existsSync(url)) return url.href;
    }
  }
  return null;
};

const isTypeScript = (file: string): boolean => file.endsWith('ts');

/** Whether the file has syntax that only modules have. Files that do not parse count as such. */
const isModule = (file: string): boolean => {
  try {
    const text = readFileSync(file, 'utf8');
    const script = isTypeScript(file) ? stripTypeScriptTypes(text) : text;
    compileFunction(script, ['exports', 'require', 'module', '__filename', '__dirname']);
    return false;
  } catch {
    return true;
  }
};

/** Modules that package.json calls CommonJS. `require` would load them as that. */
const declaredCommonJs = new Set<string>();

let hooked = false;
const hook = (): void => {
  if (hooked) return;
  hooked = true;
  registerHooks({
    resolve(specifier, context, next) {
      const entry = ENTRIES[specifier];
      if (entry !== undefined) return { url: entry, shortCircuit: true };
      let resolved: ReturnType<typeof next>;
      try {
        resolved = next(specifier, context);
      } catch (error) {
        const meant = meantBy(specifier, context.parentURL);
        if (meant === null) throw error;
        resolved = next(meant, context);
      }
      const { url } = resolved;
      const format = MODULES[extname(url.split('?')[0] as string)];
      if (
        format === undefined ||
        format === resolved.format ||
        !url.startsWith('file:') ||
        url.includes('/node_modules/')
      )
        return resolved;
      if (!isModule(fileURLToPath(url)))
        return { ...resolved, format: format.replace('module', 'commonjs') };
      declaredCommonJs.add(url);
      return { ...resolved, format };
    },
    load(url, context, next) {
      if (!declaredCommonJs.has(url)) return next(url, context);
      const file = fileURLToPath(url);
      const text = readFileSync(file, 'utf8');
      const source = isTypeScript(file) ? stripTypeScriptTypes(text, { sourceUrl: url }) : text;
      return { format: 'module', source, shortCircuit: true };
    },
  });
};

/** The first file and line of the error's stack. For a syntax error, that is its first line. */
const placeOf = (error: Error): string | null => {
  const match = /(file:\/\/\/[^\s):]+|(?<![\w:/])\/[^\s():]+):(\d+)/.exec(error.stack ?? '');
  if (match === null) return null;
  const [, where, line] = match as unknown as [string, string, string];
  return `${where.startsWith('file:') ? fileURLToPath(where) : where}:${line}`;
};

/** What to do about an error of Node's; it completes its message. */
const adviceFor = async (error: Error & { readonly code?: string }): Promise<string> => {
  const { code, message } = error;
  const missing = /Cannot find package '([^']+)'/.exec(message)?.[1];
  if (missing !== undefined) return `: install it with \`npm install ${missing}\``;
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX')
    return ': types are left out when the file runs, so write plain code instead of this syntax, for example a constant object instead of an enum';
  const [, from, name] =
    /module '([^']+)' does not provide an export named '([^']+)'/.exec(message) ?? [];
  if (from === undefined || name === undefined) return '';
  const ours = ENTRIES[from];
  const known = ours === undefined ? [] : Object.keys((await import(ours)) as object);
  const near = suggestion(name, known);
  return near === '' ? `: if "${name}" is a type, write \`import type\`` : near;
};

const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !('kind' in value);

/** The exports of a module; also those that a default export or `module.exports` collects. */
export const importModule = async (file: string): Promise<readonly unknown[]> => {
  hook();
  try {
    const exported = (await import(pathToFileURL(file).href)) as object;
    return Object.values(exported).flatMap((value) =>
      Array.isArray(value) || !isPlain(value) ? value : Object.values(value),
    );
  } catch (error) {
    if (error instanceof MillraceError)
      throw new MillraceError(error.code, `${file}: ${error.message}`, { ...error.details, file });
    if (!(error instanceof Error))
      return fail('MR_FILE_INVALID', `${file}: ${String(error)}`, { file });
    // That a module is not found says itself which file imports it.
    const { code } = error as NodeJS.ErrnoException;
    const place = code === 'ERR_MODULE_NOT_FOUND' ? null : placeOf(error);
    const at =
      place === null || place === file
        ? file
        : place.startsWith(`${file}:`)
          ? place
          : `${file} (at ${place})`;
    const kind = error.name === 'SyntaxError' ? 'does not parse or import' : 'failed';
    const advice = await adviceFor(error);
    return fail(
      'MR_FILE_INVALID',
      `${at} ${kind}: ${error.message.trim().replace(/\.?\s*\n\s*/g, '; ')}${advice}`,
      { file },
    );
  }
};
