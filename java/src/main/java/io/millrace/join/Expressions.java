package io.millrace.join;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Expressions from their typed form (domain/expressions/typed-expr.ts). The functions are those of
 * the table in domain/expressions/functions.ts, and give the same results.
 */
final class Expressions {
  private Expressions() {}

  static Expression of(Json node) {
    return switch (node.get("op").text()) {
      case "col" -> {
        int index = node.get("index").whole();
        yield event -> event[index];
      }
      case "lit" -> {
        Object value = node.get("value").value();
        yield event -> value;
      }
      case "when" -> when(node);
      case "call" -> call(node);
      default -> throw new IllegalArgumentException("there is no " + node.get("op").text());
    };
  }

  static Expression orNull(Json node) {
    return node.isNull() ? null : of(node);
  }

  private static Expression when(Json node) {
    List<Json> branches = node.get("branches").list();
    Expression[] conditions = new Expression[branches.size()];
    Expression[] values = new Expression[branches.size()];
    for (int i = 0; i < conditions.length; i++) {
      conditions[i] = of(branches.get(i).get(0));
      values[i] = of(branches.get(i).get(1));
    }
    Expression otherwise = of(node.get("otherwise"));
    return event -> {
      for (int i = 0; i < conditions.length; i++)
        if (Boolean.TRUE.equals(conditions[i].of(event))) return values[i].of(event);
      return otherwise.of(event);
    };
  }

  private static Expression call(Json node) {
    String name = node.get("fn").text();
    List<Expression> args = new ArrayList<>();
    for (Json arg : node.get("args").list()) args.add(of(arg));
    Expression first = args.get(0);
    return switch (name) {
      case "isNull" -> event -> first.of(event) == null;
      case "isNotNull" -> event -> first.of(event) != null;
      case "and" -> logic(first, args.get(1), false);
      case "or" -> logic(first, args.get(1), true);
      case "coalesce" -> coalesce(args.toArray(Expression[]::new));
      case "in" -> in(first, node.get("args").list());
      default -> strict(args, Functions.of(name, node));
    };
  }

  /** Three-valued: one argument that is `decides` decides. */
  private static Expression logic(Expression a, Expression b, Boolean decides) {
    return event -> {
      Object left = a.of(event);
      if (decides.equals(left)) return decides;
      Object right = b.of(event);
      if (decides.equals(right)) return decides;
      return left == null || right == null ? null : !decides;
    };
  }

  private static Expression coalesce(Expression[] args) {
    return event -> {
      for (Expression arg : args) {
        Object value = arg.of(event);
        if (value != null) return value;
      }
      return null;
    };
  }

  private static Expression in(Expression first, List<Json> args) {
    Set<Object> members = new HashSet<>();
    for (Json arg : args.subList(1, args.size())) members.add(plain(arg.get("value").value()));
    return event -> {
      Object value = first.of(event);
      return value == null ? null : (Object) members.contains(plain(value));
    };
  }

  /** −0 is 0. */
  static Object plain(Object value) {
    return value instanceof Double d ? (Object) (d + 0.0) : value;
  }

  /** Null where an argument is null. */
  private static Expression strict(List<Expression> args, Functions.Call call) {
    Expression[] all = args.toArray(Expression[]::new);
    return event -> {
      Object[] values = new Object[all.length];
      for (int i = 0; i < all.length; i++) {
        values[i] = all[i].of(event);
        if (values[i] == null) return null;
      }
      return call.of(values);
    };
  }
}
