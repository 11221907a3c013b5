/**
 * Answers one MCP message. Nothing is kept between two messages, so each may reach another gateway.
 * Loaded with the first message: MCP's SDK takes longer to load than all routes together.
 */
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  type Tool as ListedTool,
  ListToolsRequestSchema,
  McpError,
} from '@modelcontextprotocol/sdk/types.js';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import { MillraceError } from '#domain/errors.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { INSTRUCTIONS } from './instructions.ts';
import { refusalOf, resultOf } from './results.ts';
import { OUTPUT } from './schemas.ts';
import type { Tool, ToolContext } from './tool.ts';
import { TOOLS } from './tools.ts';

/** Checks arguments by the schema of a tool. @throws MR_PARAMETER_INVALID */
export type CheckArguments = (tool: Tool, args: unknown) => void;

export interface MessageOptions {
  readonly context: ToolContext;
  readonly check: CheckArguments;
  /** called with each refusal of a tool */
  readonly refused: (error: MillraceError) => void;
}

/** One for all messages: making one takes longer than answering. */
const jsonSchemaValidator = new AjvJsonSchemaValidator();

const BY_NAME = new Map(TOOLS.map((tool) => [tool.name, tool]));

const LISTED: readonly ListedTool[] = TOOLS.map(({ name, title, description, input, hints }) => ({
  name,
  title,
  description,
  inputSchema: JSON.parse(JSON.stringify(input)) as ListedTool['inputSchema'],
  outputSchema: OUTPUT as ListedTool['outputSchema'],
  annotations: { ...hints, openWorldHint: false },
}));

const toolOf = (name: string): Tool => {
  const found = BY_NAME.get(name);
  if (found !== undefined) return found;
  const names = [...BY_NAME.keys()].join(', ');
  throw new McpError(
    ErrorCode.InvalidParams,
    `there is no tool ${JSON.stringify(name.slice(0, 100))}; there is: ${names}`,
  );
};

/**
 * @param headers those of the request that the protocol is about
 * @param body the message
 * @returns the answer with its HTTP status
 * @throws what a tool throws that is no refusal
 */
export const answerMessage = async (
  headers: Headers,
  body: unknown,
  { context, check, refused }: MessageOptions,
): Promise<Response> => {
  const server = new Server(
    { name: 'millrace', title: 'Millrace', version: packageJson.version },
    { capabilities: { tools: {} }, instructions: INSTRUCTIONS, jsonSchemaValidator },
  );
  let failure: { readonly error: unknown } | null = null;
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [...LISTED] }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }): Promise<CallToolResult> => {
    const tool = toolOf(params.name);
    try {
      check(tool, params.arguments ?? {});
      return resultOf(tool, await tool.run(params.arguments ?? {}, context));
    } catch (error) {
      if (error instanceof MillraceError) {
        refused(error);
        return refusalOf(error);
      }
      failure = { error };
      return { isError: true, content: [] };
    }
  });
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
  await server.connect(transport);
  try {
    const request = new Request('http://gateway/mcp', { method: 'POST', headers });
    const response = await transport.handleRequest(request, { parsedBody: body });
    if (failure !== null) throw (failure as { readonly error: unknown }).error;
    return response;
  } finally {
    await server.close();
  }
};
