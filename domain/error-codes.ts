/**
 * Every error that a user can see, in one closed table: the code, the HTTP status and the remedy.
 * The message of an error names what is wrong and where (field, value). `docs/ERRORS.md` is
 * generated from this table, and a test compares the two.
 */
export const ERRORS = {
  // definitions and expressions
  MR_DEFINITION_INVALID: {
    status: 400,
    remedy: 'Correct the part of the definition that the message names, then apply again.',
  },
  MR_EXPRESSION_INVALID: {
    status: 400,
    remedy: 'Correct the expression. The message names the part and the types.',
  },
  MR_UNKNOWN_COLUMN: { status: 400, remedy: 'Use a column of the source. The message lists them.' },
  MR_UNKNOWN_REFERENCE: {
    status: 400,
    remedy:
      'Correct the name, which is not registered, or apply this definition together with the one it names.',
  },
  MR_DEFINITION_CYCLE: {
    status: 400,
    remedy: 'Remove the cycle of on-demand features that the message shows.',
  },
  MR_HOP_INVALID: {
    status: 400,
    remedy:
      'Choose a hop that divides the window exactly, into at most 10,000 tiles. A feature without a window has no hop.',
  },
  MR_DURATION_INVALID: {
    status: 400,
    remedy: 'Write a duration as a whole number and a unit, for example 500ms, 30s, 5m, 1h or 7d.',
  },
  MR_TIME_INVALID: {
    status: 400,
    remedy:
      'Write a time as ISO 8601 with a zone, or as epoch milliseconds. Write a date as YYYY-MM-DD.',
  },
  // registry
  MR_NOT_FOUND: {
    status: 404,
    remedy:
      'Check the name. `millrace list` lists all definitions; keys, replays, approvals and erasures have lists of their own.',
  },
  MR_VERSION_CONFLICT: {
    status: 409,
    remedy:
      'Read the current version of the definition, check what changed, and send the command again.',
  },
  MR_INCOMPATIBLE_REVISION: {
    status: 409,
    remedy:
      'Run `millrace plan` to see what breaks. A breaking change needs --force and --reason, unless the message says that it cannot be forced.',
  },
  MR_REFUSED: {
    status: 409,
    remedy:
      'The request is valid, but the present state does not allow it. Correct the cause that the message names, then send the request again.',
  },
  MR_APPROVAL_REQUIRED: {
    status: 202,
    remedy:
      'Nothing has changed yet: the request became a proposal, whose ID is `details.proposal`. Another person with the same rights approves it with `millrace approvals approve ID`.',
  },
  MR_PLAN_CHANGED: {
    status: 409,
    remedy:
      'The proposal would do something else than what was reviewed. Refuse it, and send the request again, which proposes it anew.',
  },
  MR_REASON_REQUIRED: { status: 400, remedy: 'Give a reason with --reason.' },
  MR_COMMAND_UNKNOWN: {
    status: 400,
    remedy: 'Use a command type of `POST /v1/commands`. The message lists them.',
  },
  // events
  MR_UNKNOWN_SOURCE: {
    status: 404,
    remedy: 'Apply the definition of the source before publishing to it.',
  },
  MR_FIELD_MISSING: {
    status: 400,
    remedy:
      'Send the field, or declare it nullable in the source, as in `delay: "double?"`. A list cannot have null items: leave them out.',
  },
  MR_FIELD_UNKNOWN: {
    status: 400,
    remedy: 'Leave the field out, or add it to the definition of the source.',
  },
  MR_FIELD_TYPE: { status: 400, remedy: 'Send a value of the declared type.' },
  MR_FIELD_NOT_FINITE: {
    status: 400,
    remedy: 'Send a finite number, or null if the field is nullable.',
  },
  MR_FIELD_RANGE: {
    status: 400,
    remedy:
      'Send a value in the range that the message states. For ids above 2^53 − 1, declare the field as `string` in the source, and send strings.',
  },
  MR_CHANGE_INVALID: {
    status: 400,
    remedy:
      'Send a change record in the form that Debezium writes, with `op`, `before` and `after`. The message says what is wrong.',
  },
  MR_SNAPSHOT_INVALID: {
    status: 400,
    remedy:
      'Correct the rows, then send the whole file again. If the table really has no rows, add --force and --reason.',
  },
  MR_EVENT_TIME_MISSING: { status: 400, remedy: 'Send the event time field.' },
  MR_EVENT_TIME_ABSURD: {
    status: 400,
    remedy:
      'Send an event time between the year 1900 and one day from now, as ISO 8601 with a zone or as epoch milliseconds.',
  },
  MR_KNOWN_TIME_INVALID: {
    status: 400,
    remedy:
      'Leave the known time out of published events. Events from before this log are imported, with `millrace import history`. Their known time must be earlier than the time at which the first published event of the source was accepted.',
  },
  MR_EVENT_TOO_LARGE: {
    status: 413,
    remedy: 'Send a smaller event. The message states the limit.',
  },
  MR_BATCH_TOO_LARGE: {
    status: 413,
    remedy: 'Send fewer events in one request. The message states the limit.',
  },
  MR_BODY_INVALID: { status: 400, remedy: 'Send a body of the form that the message states.' },
  MR_PRODUCER_SEQUENCE: {
    status: 409,
    remedy: 'Continue with event number `details.expected`.',
  },
  // reads
  MR_ENTITY_INVALID: {
    status: 400,
    remedy: 'Send every key of the entity, with its declared type. The message lists them.',
  },
  MR_REQUEST_INVALID: {
    status: 400,
    remedy:
      'Send each request input that an on-demand feature needs, with its declared type. The message says what is wrong.',
  },
  MR_HISTORY_TRIMMED: {
    status: 409,
    remedy:
      'The source keeps its history for a limited time, and the events that this needs were deleted. Ask for a later time, or for features with shorter windows. Present values do not need the deleted events, unless the entity has an event that is dated later than now.',
  },
  MR_QUERY_TOO_LARGE: { status: 413, remedy: 'Request fewer entities or features at once.' },
  MR_VIEW_NOT_READY: {
    status: 503,
    remedy:
      'Wait, then send the request again: the view is computed from past events for the first time. `millrace status` shows its progress.',
  },
  MR_POSITION_NOT_REACHED: {
    status: 504,
    remedy:
      'Repeat the request, or send it without `after`: the values did not include the events up to `after` in time. `millrace status` shows the lag.',
  },
  // SQL
  MR_SQL_INVALID: {
    status: 400,
    remedy:
      'Correct the statement. `millrace sql tables` lists the tables that you may read, with their columns.',
  },
  MR_SQL_REFUSED: {
    status: 400,
    remedy:
      'Send one query of tables. What changes something, or reaches more than the tables, is not accepted; the message names it.',
  },
  MR_SQL_LIMIT: {
    status: 413,
    remedy:
      'Read less, or raise the limit that the message names (`details.limit`), as far as the server allows. Nothing of the result was given.',
  },
  MR_SQL_TABLE_UNREADABLE: {
    status: 409,
    remedy: 'Choose another engine, with `--engine`: the message names those that read the table.',
  },
  MR_SQL_ENGINE_UNAVAILABLE: {
    status: 503,
    remedy:
      'Start the engine that the message names, or correct its address in the settings of `serve` (`--sql-engine`, `--sql-engines`).',
  },
  MR_SQL_ENGINE_FAILED: {
    status: 502,
    remedy:
      'See the log of the engine that the message names. It may lack the catalog (`millrace sql setup ENGINE`), or the files of the tables.',
  },
  // data sets, replays
  MR_SPINE_INVALID: {
    status: 400,
    remedy:
      'Give rows, or a Parquet or CSV file, with these columns: event_timestamp, every entity key and every request input.',
  },
  MR_DATASET_ELSEWHERE: {
    status: 409,
    remedy:
      'Download it through a gateway on the machine that the message names, or give the gateways a shared disk.',
  },
  MR_DATASET_CHANGED: {
    status: 409,
    remedy:
      'What the data set was built from is not there any more as it was, and the message names it. Bring that back, or build a new version: `millrace dataset … --name NAME --new-version`.',
  },
  MR_DATASET_TOO_LARGE: {
    status: 413,
    remedy:
      'Split the spine, or the grid, and make several data sets: the message has the number of rows that fit.',
  },
  MR_DATASET_FAILED: { status: 500, remedy: 'See the message. Nothing was written to the output.' },
  MR_REPLAY_STATE: {
    status: 409,
    remedy:
      'The state of the replay does not allow this. `millrace replay list` shows it. If it is filling, wait; otherwise follow the message.',
  },
  MR_REPLAY_NEEDED: {
    status: 409,
    remedy:
      'Start a replay of the view, which reads the history and then the log, and promote it. Until then its values stay as they were.',
  },
  // storage
  MR_DATA_DIR_LOCKED: {
    status: 500,
    remedy:
      'Stop the process that uses the directory or wait for its end, or use another directory.',
  },
  MR_DATA_DIR_NEWER: { status: 500, remedy: 'Upgrade Millrace, or use another --data directory.' },
  MR_DISK_FULL: {
    status: 507,
    remedy: 'Free disk space, then send the request again. No acknowledged event was lost.',
  },
  MR_STORAGE_FAILED: {
    status: 500,
    remedy: 'See the message and the server log, then send the request again.',
  },
  MR_DATA_DAMAGED: {
    status: 500,
    remedy:
      'Stored bytes are not what was written, or are missing. Run `millrace verify`, which shows all damage, and `millrace repair`, which rebuilds what can be rebuilt. On the stack, run `millrace stack verify`. If a backup is damaged, use another one.',
  },
  MR_DATA_MIXED: {
    status: 500,
    remedy:
      'Files or stores of two platforms, or of one platform at two times, are mixed. Put back those that belong together; the message names them.',
  },
  MR_EVENTS_LOST: {
    status: 500,
    remedy:
      'The log deleted events before the history had them, because its retention is shorter than the time that the archive did not run. Restore a backup that has them, or register a source with another name and publish the events to it again. Views that run keep their values.',
  },
  MR_SCHEMA_INCOMPATIBLE: {
    status: 409,
    remedy: 'Keep the old fields and add new ones as nullable, or register a new source.',
  },
  // requests and authorization
  MR_ROUTE_NOT_FOUND: { status: 404, remedy: 'See /docs for all routes.' },
  MR_PARAMETER_INVALID: {
    status: 400,
    remedy: 'Correct the parameter that the message names. /docs lists all parameters.',
  },
  MR_BODY_TOO_LARGE: {
    status: 413,
    remedy: 'Send less in one request. The message states the limit.',
  },
  MR_MEDIA_TYPE: {
    status: 415,
    remedy: 'Send a content type that the message lists, without a content encoding.',
  },
  MR_UNAUTHENTICATED: {
    status: 401,
    remedy:
      'Send an API key: --api-key, MILLRACE_API_KEY, or the header `authorization: Bearer KEY`. An admin can create one with `millrace keys create`.',
  },
  MR_FORBIDDEN: {
    status: 403,
    remedy:
      'Use an API key that may do this: the message says what this one lacks. An admin can create one.',
  },
  MR_RATE_LIMITED: {
    status: 429,
    remedy:
      'Wait for `retry-after` (`details.retryAfterMs`). Then follow the message: send fewer requests, build fewer data sets at once, or use a valid key.',
  },
  MR_QUOTA_EXCEEDED: {
    status: 429,
    remedy:
      'Wait until the next UTC day, or use an API key with a larger quota. An admin can create such a key.',
  },
  MR_ENTITY_QUOTA: {
    status: 507,
    remedy:
      'Raise the quota that the message names and start the server again, or give the view shorter windows or a narrower `where`. No event is lost: the view goes on from where it stopped.',
  },
  MR_ORIGIN_REFUSED: {
    status: 403,
    remedy:
      'Web pages of other sites may not call this server. Send the request from a program, or from a page of this server. While no API key exists, address the server as localhost or 127.0.0.1.',
  },
  // client side and availability
  MR_UNREACHABLE: {
    status: 503,
    remedy:
      'Check that a Millrace server runs at the address in --url. `millrace serve` starts one.',
  },
  MR_DEADLINE: {
    status: 504,
    remedy: 'Repeat the request with a longer deadline, or request less at once.',
  },
  MR_FILE_INVALID: { status: 400, remedy: 'Correct the file. The message says where.' },
  MR_OVERLOADED: {
    status: 503,
    remedy:
      'Wait for `retry-after` (`details.retryAfterMs`), then send less at once. If the memory is low, and stays so, give the server a larger heap, or its views shorter windows or a narrower `where`.',
  },
  MR_REQUEST_TIMEOUT: {
    status: 408,
    remedy: 'Send the whole request without pauses. The message states the time limit.',
  },
  MR_UNAVAILABLE: {
    status: 503,
    remedy: 'The server is starting or stopping. Try again in a few seconds.',
  },
  MR_MAINTENANCE: {
    status: 503,
    remedy:
      'An erasure runs. `details.step` is its progress. Wait for `retry-after` (`details.retryAfterMs`), then send the request again.',
  },
  MR_LOG_UNAVAILABLE: {
    status: 503,
    remedy:
      'Kafka is down or starting: see `millrace stack status`. No acknowledged event is lost.',
  },
  MR_STORE_UNAVAILABLE: {
    status: 503,
    remedy: 'The store that the message names is down or starting: see `millrace stack status`.',
  },
  MR_ENGINE_UNAVAILABLE: {
    status: 503,
    remedy:
      'Flink is down or starting: see `millrace stack status`. Of Spark, the message names the command that could not be run.',
  },
  MR_ENGINE_FAILED: {
    status: 500,
    remedy:
      'See the message and `millrace stack logs jobmanager`. If a job failed, Millrace starts it again; a data set whose job failed is not written: start it again.',
  },
  MR_STACK_FAILED: {
    status: 500,
    remedy:
      'A server could not be installed, started or stopped. See the message and `millrace stack logs SERVER`.',
  },
  MR_INTERNAL: { status: 500, remedy: 'This is a bug in Millrace. Report it with the message.' },
} as const satisfies Record<string, { readonly status: number; readonly remedy: string }>;

export type ErrorCode = keyof typeof ERRORS;
