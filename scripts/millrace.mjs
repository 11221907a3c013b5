#!/usr/bin/env node
/** The command line, `npx millrace …`, on the Node version that the project needs. */
import { join } from 'node:path';
import { findNode, installDependencies, NODE_FLAGS, root, run } from './node.mjs';

installDependencies();
process.exitCode = await run(findNode(), [
  ...NODE_FLAGS,
  join(root, 'gateways', 'cli', 'main.ts'),
  ...process.argv.slice(2),
]);
