package io.millrace.iceberg;

import org.apache.flink.table.functions.ScalarFunction;
import org.apache.iceberg.Table;
import org.apache.iceberg.expressions.Expression;
import org.apache.iceberg.expressions.Expressions;

/**
 * {@code MR_FORGET_PERIODS(warehouse, table, from, to, writtenAt)}: removes the rows of periods
 * that begin in [from, to) and were written before `writtenAt`. Overwriting replaces the days that
 * have new rows; this function handles the days that have no rows any more. It removes whole files,
 * because all files of a day are from the same write. All times in epoch ms.
 */
public final class ForgetPeriods extends ScalarFunction {
  private static final long MICROS = 1000;

  public Boolean eval(String warehouse, String name, Long from, Long to, Long writtenAt) {
    Table table = Catalogs.table(warehouse, name);
    if (table == null) return false;
    table.newDelete().deleteFromRowFilter(rows(from, to, writtenAt)).commit();
    return true;
  }

  private static Expression rows(long from, long to, long writtenAt) {
    return Expressions.and(
        Expressions.greaterThanOrEqual("period_start", from * MICROS),
        Expressions.lessThan("period_start", to * MICROS),
        Expressions.lessThan("written_at", writtenAt * MICROS));
  }

  @Override
  public boolean isDeterministic() {
    return false;
  }
}
