import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { bridge } from '../mcp-bridge.ts';

const mcp = async (_options: unknown, command: Command): Promise<void> => {
  const { client, message } = contextOf(command);
  message(`MCP server on stdio, with the tools of ${client.url}`);
  await bridge({ client, input: process.stdin, output: process.stdout, report: message });
};

export const addMcp = (program: Command): void => {
  program
    .command('mcp')
    .description('give agents the tools of the server, by the Model Context Protocol on stdio')
    .addHelpText(
      'after',
      '\nAn agent starts this command; over HTTP, the server has the same at /mcp.\n\nExample:\n  millrace --url https://features.example.com --api-key-file key.txt mcp',
    )
    .action(mcp);
};
