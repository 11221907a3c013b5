/**
 * What the gateways ask of a running Millrace: declared in the domain's ports, because commands and
 * projections answer it.
 */
export type * from '#domain/ports/platform.ts';
