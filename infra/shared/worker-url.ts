/** The module of a worker thread: JavaScript in the package, TypeScript in the clone. */
import { extname } from 'node:path';

/**
 * @param name without its ending, relative to the module that starts the worker
 * @param base that module's `import.meta.url`
 */
export const workerUrl = (name: string, base: string): URL =>
  new URL(`${name}${extname(base)}`, base);
