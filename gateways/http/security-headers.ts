/**
 * Headers of every answer: a browser must not show it in a frame, guess its type, or run anything
 * in it. Only the pages of /docs have scripts and styles, from this server.
 */
import type { FastifyReply } from 'fastify';

const PAGES =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};
const PAGE_HEADERS = { ...SECURITY_HEADERS, 'content-security-policy': PAGES };

export const setSecurityHeaders = (url: string, reply: FastifyReply): void => {
  reply.headers(/^\/docs(?:[/?]|$)/.test(url) ? PAGE_HEADERS : SECURITY_HEADERS);
};
