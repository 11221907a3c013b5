package io.millrace.flink.functions;

import org.apache.flink.table.functions.ScalarFunction;

/** {@code MR_BASE64(BYTES) -> STRING}: bytes as base64 text, as in all other rows. */
public final class Base64 extends ScalarFunction {
  public String eval(byte[] bytes) {
    return bytes == null ? null : java.util.Base64.getEncoder().encodeToString(bytes);
  }
}
