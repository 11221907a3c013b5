/** Who makes a request, and with what. Times are epoch ms; refusals are thrown as MillraceError. */
import type { Principal } from '#domain/authorization/principal.ts';
import type { TraceContext } from '#domain/ports/tracing.ts';

export interface Caller {
  readonly actor: string;
  /**
   * of the request that asks, as its answer's headers and every log line about it say; absent:
   * nobody gave it one
   */
  readonly requestId?: string;
  /**
   * who that is, and what it may do; absent: nobody was asked. Only the guard of the gateways looks
   * at it (`commands/access`).
   */
  readonly principal?: Principal;
  /** the span of that request; absent: it is not traced */
  readonly trace?: TraceContext;
}
