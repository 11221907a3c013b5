/**
 * Functions of one value that read more than their arguments (files, other tables, settings, the
 * server), or that wait, by engine. Tables have no functions at all (statement.ts).
 */

const COMMON = [/^sleep/, /^current_(setting|catalog|schema|database|user|role)$/, /^getenv$/];

const MYSQL = [
  ...COMMON,
  /^dict/,
  /^inspect_/,
  /^(load_file|benchmark|get_lock|release_lock|is_free_lock|kill_connection)$/,
  /^(user|session_user|system_user|connection_id|host_name|database|schema|version)$/,
  /^(get_query_profile|last_query_id|query_id|catalog)$/,
  /^(ai_|embed$|llm_)/,
];

const REFUSED: Readonly<Record<string, readonly RegExp[]>> = {
  trino: COMMON,
  presto: COMMON,
  clickhouse: [
    ...COMMON,
    /^(dict|joinget|hascolumnintable|getsetting|getmacro|getserver|catboost|modelevaluate|evalml)/,
    /^(file|url|remote|s3|hdfs|executable|icebergs?|paimon)/,
    /^(global)?(not)?(null)?in(ignoreset)?$/,
    /^(hostname|fqdn|currentuser|user|currentdatabase|currentprofiles|currentroles|defaultroles)$/,
    /^(enabledprofiles|enabledroles|defaultprofiles|serveruuid|tcpport|uptime|version|buildid)$/,
    /^(getoskernelversion|displayname|queryid|initialqueryid|connectionid|showcertificate)$/,
    /^(filesystem|address|demangle|trap|logtrace|structuretocapnproto|generaterandomstructure)/,
    /^(ai|naturallanguage)/,
  ],
  spark: [
    ...COMMON,
    /^(java_method|reflect|try_reflect|identifier|user|session_user|version)$/,
    /^input_file_/,
    /^(ai_|http_|read_files|from_avro|to_avro|secret)/,
  ],
  starrocks: MYSQL,
  doris: MYSQL,
  flink: [...COMMON, /^(ml_|ai_)/],
};

/** `in` itself is an operator, whose values are looked at. @param functionName in lower case */
export const isRefusedFunction = (engine: string, functionName: string): boolean =>
  functionName !== 'in' &&
  (REFUSED[engine] ?? COMMON).some((pattern) => pattern.test(functionName));
