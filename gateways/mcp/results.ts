/**
 * Results of tools in MCP's form: structured, and the same as JSON text for clients that read only
 * text. Agents have little room, so a longer answer is refused, with what to ask for instead.
 */
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { ERRORS, MillraceError } from '#domain/errors.ts';
import { formatTime } from '#domain/values/time.ts';
import type { Tool, ToolAnswer } from './tool.ts';

/** Characters of an answer: about 12,000 tokens. */
export const MAX_ANSWER = 40_000;

export const resultOf = (
  { shorter }: Pick<Tool, 'shorter'>,
  { at, known, link, answer }: ToolAnswer,
): CallToolResult => {
  const content = { at: formatTime(at), known: formatTime(known), link, ...answer };
  const text = JSON.stringify(content);
  if (text.length > MAX_ANSWER)
    throw new MillraceError(
      'MR_QUERY_TOO_LARGE',
      `the answer has ${text.length} characters, and an answer to an agent may have ${MAX_ANSWER}: ${shorter}. The whole answer is at details.link`,
      { limit: MAX_ANSWER, length: text.length, link },
    );
  return { content: [{ type: 'text', text }], structuredContent: content };
};

/** A refusal, which the model can read and act on. */
export const refusalOf = (error: MillraceError): CallToolResult => {
  const { code, message, details } = error;
  const fix = ERRORS[code].remedy;
  return {
    isError: true,
    content: [{ type: 'text', text: `${code}: ${message}\nFix: ${fix}` }],
    structuredContent: { error: { code, message, fix, details } },
  };
};
