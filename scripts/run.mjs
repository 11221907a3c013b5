/**
 * The project's own tasks: `npm run demo`, `npm test`, `npm run test:stack`, `npm run check`, `npm
 * run format`, `npm run bench NAME`. Each sets up what it needs.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { findNode, installDependencies, NODE_FLAGS, root, run } from './node.mjs';

const [task, ...args] = process.argv.slice(2);
installDependencies();
const node = findNode();
const tool = (path, ...toolArgs) =>
  run(node, [join(root, 'node_modules', path), ...toolArgs], { cwd: root });

const biome = (...biomeArgs) => tool('@biomejs/biome/bin/biome', ...biomeArgs);

const tasks = {
  demo: () => run(node, [...NODE_FLAGS, join(root, 'examples', 'flights', 'demo.ts'), ...args]),
  test: () =>
    tool(
      'vitest/vitest.mjs',
      'run',
      '--reporter=default',
      `--reporter=${join(root, 'scripts', 'count-reporter.mjs')}`,
      ...args,
    ),
  'test:stack': () =>
    tool(
      'vitest/vitest.mjs',
      'run',
      '--config=vitest.stack.config.ts',
      '--reporter=default',
      `--reporter=${join(root, 'scripts', 'count-reporter.mjs')}`,
      ...args,
    ),
  async check() {
    const steps = [
      () => tool('typescript/bin/tsc', '--noEmit', '-p', root),
      () => biome('check', '--error-on-warnings', root),
      () => tool('vitest/vitest.mjs', 'run', '--reporter=dot', 'tests/tidy'),
    ];
    for (const step of steps) {
      const code = await step();
      if (code !== 0) return code;
    }
    return 0;
  },
  format: () => biome('check', '--write', root),
  bench() {
    const names = readdirSync(join(root, 'bench'))
      .filter((file) => file.endsWith('.ts'))
      .map((file) => file.slice(0, -3));
    const [name, ...rest] = args;
    if (name === undefined || !existsSync(join(root, 'bench', `${name}.ts`))) {
      console.error(`npm run bench NAME [ARGUMENTS]; there are ${names.join(', ')}`);
      return 2;
    }
    return run(node, [...NODE_FLAGS, '--expose-gc', join(root, 'bench', `${name}.ts`), ...rest], {
      cwd: root,
    });
  },
};

if (!(task in tasks)) {
  console.error(`there is no task "${task}"; there are ${Object.keys(tasks).join(', ')}`);
  process.exitCode = 2;
} else {
  process.exitCode = await tasks[task]();
}
