/**
 * Avro schemas by subject, with ids and versions. Promises
 * (tests/contracts/schema-registry.contract.ts): registering an equal schema again gives the same
 * id; an id always means the same schema; a schema that cannot read what the subject's newest wrote
 * (BACKWARD) is refused with MR_SCHEMA_INCOMPATIBLE naming the field; ids survive a restart.
 */
export interface SchemaRegistry {
  register(subject: string, schema: object): Promise<number>;
  schema(id: number): Promise<object>;
  latest(
    subject: string,
  ): Promise<{ readonly id: number; readonly version: number; readonly schema: object } | null>;
  versions(subject: string): Promise<readonly { readonly id: number; readonly version: number }[]>;
}
