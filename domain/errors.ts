/**
 * Every error that a user can meet, in one closed table: code, HTTP status, and what to do about
 * it. A message names what is wrong, where (field, value), and the remedy; `docs/ERRORS.md` is held
 * to this table by a test.
 */
export const ERRORS = {
  // definitions and expressions
  MR_DEFINITION_INVALID: {
    status: 400,
    remedy: 'Correct the named part of the definition and apply again.',
  },
  MR_EXPRESSION_INVALID: {
    status: 400,
    remedy: 'Correct the expression: the message names the part and the types.',
  },
  MR_UNKNOWN_COLUMN: { status: 400, remedy: 'Use a column of the source; the message lists them.' },
  MR_UNKNOWN_REFERENCE: {
    status: 400,
    remedy: 'Register what the definition refers to first, or correct the name.',
  },
  MR_DEFINITION_CYCLE: {
    status: 400,
    remedy: 'Break the cycle of on-demand features that the message spells out.',
  },
  MR_HOP_INVALID: {
    status: 400,
    remedy: 'Choose a hop that divides its window and keeps the number of tiles in bounds.',
  },
  MR_DURATION_INVALID: {
    status: 400,
    remedy: 'Write a duration as a whole number and a unit: 500ms 30s 5m 1h 7d.',
  },
  MR_TIME_INVALID: {
    status: 400,
    remedy: 'Write a time as ISO 8601 with a zone, or as epoch milliseconds.',
  },
  // registry
  MR_NOT_FOUND: {
    status: 404,
    remedy: 'Check the name; `millrace list KIND` shows what there is.',
  },
  MR_VERSION_CONFLICT: {
    status: 409,
    remedy: 'Read the current version, look at what changed, and send the command again.',
  },
  MR_INCOMPATIBLE_REVISION: {
    status: 409,
    remedy: 'See `millrace plan`; a breaking change needs --force and --reason.',
  },
  MR_REFUSED: { status: 409, remedy: 'The message says which state forbids the command.' },
  MR_REASON_REQUIRED: { status: 400, remedy: 'Give a reason with --reason.' },
  MR_COMMAND_UNKNOWN: {
    status: 400,
    remedy: 'Use one of the command types that the message lists.',
  },
  // events
  MR_UNKNOWN_SOURCE: {
    status: 404,
    remedy: 'Apply the source definition before publishing to it.',
  },
  MR_FIELD_MISSING: { status: 400, remedy: 'Send the field, or declare it nullable with "?".' },
  MR_FIELD_UNKNOWN: {
    status: 400,
    remedy: 'Leave the field out, or add it to the source definition.',
  },
  MR_FIELD_TYPE: { status: 400, remedy: 'Send a value of the declared type.' },
  MR_FIELD_NOT_FINITE: {
    status: 400,
    remedy: 'Send a finite number, or null where the field is nullable.',
  },
  MR_FIELD_RANGE: {
    status: 400,
    remedy: 'Send a value in the range that the message states; ids past 2^53 belong in a string.',
  },
  MR_EVENT_TIME_MISSING: { status: 400, remedy: 'Send the event time field.' },
  MR_EVENT_TIME_ABSURD: {
    status: 400,
    remedy:
      'Send an event time between the year 1900 and a day from now, as ISO 8601 with a zone or epoch milliseconds.',
  },
  MR_EVENT_TOO_LARGE: {
    status: 413,
    remedy: 'Keep an event under the size that the message states.',
  },
  MR_BATCH_TOO_LARGE: {
    status: 413,
    remedy: 'Send fewer events in one request; the message states the limit.',
  },
  MR_BODY_INVALID: { status: 400, remedy: 'Send a body of the form that the message states.' },
  MR_PRODUCER_SEQUENCE: {
    status: 409,
    remedy: "Ask for the producer's next sequence and go on from there; details.expected has it.",
  },
  // reads
  MR_ENTITY_INVALID: {
    status: 400,
    remedy: 'Give every key of the entity, with its type; the message lists them.',
  },
  MR_REQUEST_INVALID: {
    status: 400,
    remedy: 'Give every request input that the on-demand features need.',
  },
  MR_QUERY_TOO_LARGE: { status: 413, remedy: 'Ask for fewer entities or features at once.' },
  MR_VIEW_NOT_READY: {
    status: 503,
    remedy: 'Wait until the first generation is filled; `millrace status` shows its progress.',
  },
  MR_POSITION_NOT_REACHED: {
    status: 504,
    remedy: 'Ask again, or without `after`; `millrace status` shows the lag.',
  },
  // data sets, replays
  MR_SPINE_INVALID: { status: 400, remedy: 'Give the spine every entity key and event_timestamp.' },
  MR_DATASET_FAILED: { status: 500, remedy: 'See the message; nothing was written to the output.' },
  MR_REPLAY_STATE: {
    status: 409,
    remedy: 'The message says what state the replay is in and which commands that allows.',
  },
  // storage
  MR_DATA_DIR_LOCKED: {
    status: 500,
    remedy: 'Stop the process that the message names, or use another --data directory.',
  },
  MR_DATA_DIR_NEWER: { status: 500, remedy: 'Upgrade Millrace, or use another --data directory.' },
  MR_DISK_FULL: {
    status: 507,
    remedy: 'Free disk space; nothing acknowledged was lost, and the request may be sent again.',
  },
  MR_STORAGE_FAILED: {
    status: 500,
    remedy: 'See the message and the server log; send the request again.',
  },
  MR_SCHEMA_INCOMPATIBLE: {
    status: 409,
    remedy: 'Keep old fields and add new ones as nullable, or name a new source.',
  },
  // access
  MR_ROUTE_NOT_FOUND: { status: 404, remedy: 'See /docs for the requests that there are.' },
  MR_PARAMETER_INVALID: {
    status: 400,
    remedy: 'Correct the parameter that the message names; /docs lists them.',
  },
  MR_BODY_TOO_LARGE: {
    status: 413,
    remedy: 'Send less in one request; the message states the limit.',
  },
  MR_MEDIA_TYPE: { status: 415, remedy: 'Send one of the content types that the message lists.' },
  MR_UNAUTHENTICATED: {
    status: 401,
    remedy:
      'Show a key: --api-key, MILLRACE_API_KEY, or the header `authorization: Bearer KEY`; `millrace keys create` makes one.',
  },
  MR_FORBIDDEN: {
    status: 403,
    remedy: 'Use a key that has the grant which the message names, or ask an admin for one.',
  },
  MR_RATE_LIMITED: {
    status: 429,
    remedy: 'Wait as long as `retry-after` says, and send fewer requests a second.',
  },
  MR_QUOTA_EXCEEDED: {
    status: 429,
    remedy: 'Wait until the day is over, or ask an admin for a key with a larger quota.',
  },
  MR_ORIGIN_REFUSED: {
    status: 403,
    remedy: 'Call from a program, or from a page that this server itself serves.',
  },
  // command line
  MR_UNREACHABLE: {
    status: 503,
    remedy: 'Start the server with `millrace serve`, or name its address with --url.',
  },
  MR_DEADLINE: { status: 504, remedy: 'Ask again, with a later deadline, or for less at once.' },
  MR_FILE_INVALID: { status: 400, remedy: 'Correct the file; the message says where.' },
  MR_OVERLOADED: {
    status: 503,
    remedy: 'Wait as long as `retry-after` says, and send less at once.',
  },
  MR_REQUEST_TIMEOUT: {
    status: 408,
    remedy: 'Send the request in one go; the message says how long it may take.',
  },
  MR_UNAVAILABLE: { status: 503, remedy: 'The server is starting or stopping; try again shortly.' },
  MR_LOG_UNAVAILABLE: {
    status: 503,
    remedy:
      'See `millrace stack status`: the broker is down or starting; nothing acknowledged is lost.',
  },
  MR_STORE_UNAVAILABLE: {
    status: 503,
    remedy: 'See `millrace stack status`: the store that the message names is down or starting.',
  },
  MR_ENGINE_UNAVAILABLE: {
    status: 503,
    remedy: 'See `millrace stack status`: Flink is down or starting.',
  },
  MR_ENGINE_FAILED: {
    status: 500,
    remedy: 'See the message and `millrace stack logs`; the job is tried again.',
  },
  MR_STACK_FAILED: { status: 500, remedy: 'See the message and `millrace stack logs SERVER`.' },
  MR_INTERNAL: { status: 500, remedy: 'This is a bug in Millrace: report it with the message.' },
} as const satisfies Record<string, { readonly status: number; readonly remedy: string }>;

export type ErrorCode = keyof typeof ERRORS;
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** One thing that is wrong, as data: for refusals that are results, and for lists of problems. */
export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: ErrorDetails;
}

/** A message quotes what was sent, which may be megabytes: past this many characters it is cut. */
const MAX_MESSAGE = 4_000;
const MAX_DETAIL = 1_000;

const cut = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most).toWellFormed()}…`;

const shortDetails = (details: ErrorDetails): ErrorDetails => {
  for (const value of Object.values(details)) {
    if (typeof value !== 'string' || value.length <= MAX_DETAIL) continue;
    return Object.fromEntries(
      Object.entries(details).map(([key, one]) => [
        key,
        typeof one === 'string' ? cut(one, MAX_DETAIL) : one,
      ]),
    );
  }
  return details;
};

/** A problem on its way up to a person. `message` must already say what is wrong and where. */
export class MillraceError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(cut(message, MAX_MESSAGE));
    this.name = 'MillraceError';
    this.code = code;
    this.details = shortDetails(details);
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  /** The form in which HTTP and `--json` show it. */
  toJSON(): { code: ErrorCode; message: string; details: ErrorDetails } {
    return { code: this.code, message: this.message, details: this.details };
  }
}

export const fail = (code: ErrorCode, message: string, details?: ErrorDetails): never => {
  throw new MillraceError(code, message, details);
};
