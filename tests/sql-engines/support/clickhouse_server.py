"""ClickHouse as chdb's library has it, as a server of its HTTP protocol.

Arguments: the path of libchdb.so, and that of a file of the server's configuration. It runs until it
is ended. The library's clickhouse-local starts the server; loaded by ctypes, because the module of
PyPI's chdb does not export it.
"""

from __future__ import annotations

import ctypes
import sys

library, config = sys.argv[1:]
STATEMENTS = (
    "SYSTEM START LISTEN HTTP; "
    "SELECT sleepEachRow(1) FROM numbers(1000000) "
    "SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0"
)
arguments = [b"clickhouse", b"--multiquery"]
arguments += [f"--config-file={config}".encode(), f"--query={STATEMENTS}".encode()]
run = ctypes.CDLL(library).chdb_query_cmdline
run.restype = ctypes.c_void_p
run(len(arguments), (ctypes.c_char_p * (len(arguments) + 1))(*arguments, None))
sys.exit("the server ended")
