#!/usr/bin/env node
/** `npx millrace …`: the command line, on the Node that the project needs. */
import { join } from 'node:path';
import { findNode, installDependencies, NODE_FLAGS, root, run } from './node.mjs';

installDependencies();
process.exitCode = await run(findNode(), [
  ...NODE_FLAGS,
  join(root, 'gateways', 'cli', 'main.ts'),
  ...process.argv.slice(2),
]);
