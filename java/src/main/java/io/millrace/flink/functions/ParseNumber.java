package io.millrace.flink.functions;

import io.millrace.algebra.Js;
import org.apache.flink.table.functions.ScalarFunction;

/** {@code MR_PARSE_NUMBER(STRING) -> DOUBLE}: a decimal numeral; null if the text is not one. */
public final class ParseNumber extends ScalarFunction {
  public Double eval(String s) {
    return s == null ? null : Js.parse(s);
  }
}
