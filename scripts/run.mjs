/**
 * The project's own tasks, run as `npm run TASK` (see package.json). Each task first installs what
 * it needs: the dependencies, and a Node that is new enough.
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

/**
 * The suites are in vitest.config.ts; ARGUMENTS choose files, or tests by name (-t). Servers,
 * commands and threads that tests start load their modules from a cache, in a third of the time.
 */
const tests = (suite) => () => {
  process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules', '.cache', 'compile');
  return tool(
    'vitest/vitest.mjs',
    'run',
    `--mode=${suite}`,
    '--reporter=default',
    `--reporter=${join(root, 'scripts', 'count-reporter.mjs')}`,
    ...args,
  );
};

const check = async () => {
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
};

const bench = async () => {
  const names = readdirSync(join(root, 'bench'))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -3));
  const [name, ...rest] = args;
  if (name === undefined || !existsSync(join(root, 'bench', `${name}.ts`))) {
    const problem = name === undefined ? '' : `There is no benchmark "${name}".\n`;
    console.error(`${problem}Usage: npm run bench NAME [ARGUMENTS]\nNames: ${names.join(', ')}`);
    return 2;
  }
  return run(node, [...NODE_FLAGS, '--expose-gc', join(root, 'bench', `${name}.ts`), ...rest], {
    cwd: root,
  });
};

const tasks = {
  demo: () => run(node, [...NODE_FLAGS, join(root, 'examples', 'flights', 'demo.ts'), ...args]),
  test: tests('test'),
  'test:slow': tests('slow'),
  'test:clients': tests('clients'),
  'test:engines': tests('engines'),
  'test:faults': tests('faults'),
  'test:stack': tests('stack'),
  check,
  format: () => biome('check', '--write', root),
  bench,
  // Run by npm before and after it packs: the package has JavaScript, the clone does not.
  prepack: () => run(node, [...NODE_FLAGS, join(root, 'scripts', 'build-package.ts')]),
  postpack: () => run(node, [...NODE_FLAGS, join(root, 'scripts', 'build-package.ts'), 'remove']),
};

if (!Object.hasOwn(tasks, task ?? '')) {
  const problem = task === undefined ? '' : `There is no task "${task}".\n`;
  console.error(`${problem}Usage: npm run TASK\nTasks: ${Object.keys(tasks).join(', ')}`);
  process.exitCode = 2;
} else {
  process.exitCode = await tasks[task]();
}
