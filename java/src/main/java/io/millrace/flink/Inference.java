package io.millrace.flink;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.flink.table.functions.FunctionDefinition;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.ArgumentCount;
import org.apache.flink.table.types.inference.CallContext;
import org.apache.flink.table.types.inference.ConstantArgumentCount;
import org.apache.flink.table.types.inference.InputTypeStrategy;
import org.apache.flink.table.types.inference.Signature;
import org.apache.flink.table.types.inference.StateTypeStrategy;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.utils.DataTypeUtils;

/**
 * The types of Millrace's functions, for Flink. An argument type of null stands for any type. The
 * types of state and result follow from the first argument's type.
 */
final class Inference {
  private Inference() {}

  static TypeInference of(DataType state, DataType result, DataType... arguments) {
    return of(first -> state, first -> result, arguments);
  }

  static TypeInference of(Function<DataType, DataType> state, Function<DataType, DataType> result,
      DataType... arguments) {
    LinkedHashMap<String, StateTypeStrategy> states = new LinkedHashMap<>();
    states.put("acc", StateTypeStrategy.of(call -> Optional.of(state.apply(first(call)))));
    return TypeInference.newBuilder()
        .inputTypeStrategy(new Arguments(arguments))
        .stateTypeStrategies(states)
        .outputTypeStrategy(call -> Optional.of(result.apply(first(call))))
        .build();
  }

  /** For a function without a state. */
  static TypeInference scalar(Function<DataType, DataType> result, DataType... arguments) {
    return TypeInference.newBuilder()
        .inputTypeStrategy(new Arguments(arguments))
        .outputTypeStrategy(call -> Optional.of(result.apply(first(call))))
        .build();
  }

  private static DataType first(CallContext call) {
    return call.getArgumentDataTypes().get(0);
  }

  private record Arguments(DataType[] types) implements InputTypeStrategy {
    @Override
    public ArgumentCount getArgumentCount() {
      return ConstantArgumentCount.of(types.length);
    }

    @Override
    public Optional<List<DataType>> inferInputTypes(CallContext call, boolean throwOnFailure) {
      List<DataType> given = call.getArgumentDataTypes();
      DataType[] taken = new DataType[types.length];
      for (int i = 0; i < types.length; i++)
        taken[i] = types[i] != null ? types[i] : DataTypeUtils.toInternalDataType(given.get(i));
      return Optional.of(Arrays.asList(taken));
    }

    @Override
    public List<Signature> getExpectedSignatures(FunctionDefinition definition) {
      return List.of(
          Signature.of(
              Arrays.stream(types)
                  .map(type -> Signature.Argument.of(type == null ? "ANY" : type.toString()))
                  .collect(Collectors.toList())));
    }
  }
}
