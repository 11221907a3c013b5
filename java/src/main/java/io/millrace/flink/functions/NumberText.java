package io.millrace.flink.functions;

import io.millrace.algebra.Js;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * {@code MR_NUMBER_TEXT(DOUBLE) -> STRING}: the number in JavaScript's form: the fewest digits that
 * parse to it.
 */
public final class NumberText extends ScalarFunction {
  public String eval(Double x) {
    return x == null ? null : Js.text(x);
  }
}
