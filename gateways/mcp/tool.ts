/** A tool of the MCP server: it reads arguments, calls an area, and shapes a short answer. */
import type { TObject } from 'typebox';
import type { Caller } from '#domain/api/caller.ts';
import type { Platform } from '#domain/api/platform.ts';
import type { GatewayLimits } from '#gateways/shared/limits.ts';
import type { Links, ReproducingLink } from './links.ts';

/** The answer of a tool. Times are epoch ms here, and ISO 8601 on the way out. */
export interface ToolAnswer {
  /** the event time up to which events count; of definitions and jobs, the time of the answer */
  readonly at: number;
  /** the time up to which arrivals count */
  readonly known: number;
  readonly link: ReproducingLink;
  readonly answer: object;
}

export interface ToolContext {
  /** behind authorization */
  readonly platform: Platform;
  readonly caller: Caller;
  readonly limits: GatewayLimits;
  readonly links: Links;
  /** aborted when the client has gone */
  readonly signal: AbortSignal;
  /** A path of the request, if the caller may name it. @throws MR_REFUSED */
  readonly file: (name: string, path: string) => string;
  /** epoch ms */
  readonly now: () => number;
}

/** Hints for clients that ask a person before a tool changes something. */
export interface ToolHints {
  readonly readOnlyHint: boolean;
  readonly destructiveHint?: boolean;
  readonly idempotentHint?: boolean;
}

export interface Tool {
  readonly name: string;
  /** for people */
  readonly title: string;
  /** for models */
  readonly description: string;
  readonly input: TObject;
  readonly hints: ToolHints;
  /** what to do if the answer is too long */
  readonly shorter: string;
  /** @param args valid by `input` */
  readonly run: (args: unknown, context: ToolContext) => Promise<ToolAnswer>;
}

export const READS: ToolHints = { readOnlyHint: true };

/** A tool whose `run` gets the type of its schema. */
export const tool = <Args>(
  definition: {
    readonly [K in Exclude<keyof Tool, 'run'>]: Tool[K];
  } & {
    readonly run: (args: Args, context: ToolContext) => Promise<ToolAnswer>;
  },
): Tool => ({ ...definition, run: (args, context) => definition.run(args as Args, context) });
