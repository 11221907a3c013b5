#!/usr/bin/env node
/** The command line, `npx millrace …`, on the Node version that the project needs. */
import { join } from 'node:path';
import { findNode, installDependencies, isClone, NODE_FLAGS, root, run } from './node.mjs';

installDependencies();
const main = isClone ? ['gateways', 'cli', 'main.ts'] : ['lib', 'gateways', 'cli', 'main.js'];
process.exitCode = await run(
  findNode(),
  [...NODE_FLAGS, join(root, ...main), ...process.argv.slice(2)],
  { tied: true },
);
