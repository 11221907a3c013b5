package io.millrace.lookup;

/** A request that is refused with a code; the connection stays open. */
final class LookupException extends Exception {
  final Code code;

  LookupException(Code code, String message) {
    super(message);
    this.code = code;
  }

  /** The first byte of an answer. infra/paimon/lookup-protocol.ts has the same table. */
  enum Code {
    OK(0),
    NOT_FOUND(1),
    COLUMN_UNKNOWN(2),
    SNAPSHOT_GONE(3),
    TOO_LARGE(4),
    UNSUPPORTED(5),
    FAILED(6),
    HANDLE_UNKNOWN(7);

    final int wire;

    Code(int wire) {
      this.wire = wire;
    }
  }
}
