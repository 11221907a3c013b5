package io.millrace.flink.functions;

import org.apache.flink.table.functions.ScalarFunction;

/** {@code MR_BASE64(BYTES) -> STRING}: bytes as rows hold them everywhere else, base64 text. */
public final class Base64 extends ScalarFunction {
  public String eval(byte[] bytes) {
    return bytes == null ? null : java.util.Base64.getEncoder().encodeToString(bytes);
  }
}
