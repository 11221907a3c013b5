/**
 * Feast's decoded registry (`protos/feast/core/Registry.proto`): absent texts are empty, absent
 * messages are null.
 */

export interface FeastDuration {
  readonly seconds: number;
  readonly nanos: number;
}

type Tags = Readonly<Record<string, string>>;

/** A number: a type that is newer than this proto. */
export type FeastType = string | number;

export interface FeastField {
  readonly name: string;
  readonly valueType: FeastType;
  readonly tags: Tags;
  readonly description: string;
  readonly vectorIndex: boolean;
}

interface Described {
  readonly name: string;
  readonly project: string;
  readonly description: string;
  readonly owner: string;
  readonly tags: Tags;
}

export interface FeastEntity extends Described {
  readonly valueType: FeastType;
  readonly joinKey: string;
}

interface TableOptions {
  readonly table: string;
}

export interface FeastSource extends Described {
  readonly type: string | number;
  readonly fieldMapping: Tags;
  readonly timestampField: string;
  readonly timestampFieldType: string;
  readonly createdTimestampColumn: string;
  readonly batchSource: FeastSource | null;
  readonly fileOptions: { readonly uri: string } | null;
  readonly kafkaOptions: { readonly topic: string } | null;
  readonly requestDataOptions: { readonly schema: readonly FeastField[] } | null;
  readonly bigqueryOptions: TableOptions | null;
  readonly redshiftOptions: TableOptions | null;
  readonly snowflakeOptions: TableOptions | null;
  readonly sparkOptions: TableOptions | null;
  readonly trinoOptions: TableOptions | null;
  readonly athenaOptions: TableOptions | null;
}

export interface FeastFunction {
  readonly name: string;
  readonly bodyText: string;
}

export interface FeastTransformation {
  readonly userDefinedFunction?: FeastFunction | null;
  readonly substraitTransformation?: object | null;
}

interface AnyView extends Described {
  readonly entities: readonly string[];
  readonly features: readonly FeastField[];
  readonly entityColumns: readonly FeastField[];
  readonly ttl: FeastDuration | null;
  readonly batchSource: FeastSource | null;
  readonly streamSource: FeastSource | null;
  readonly online: boolean;
  readonly featureTransformation: FeastTransformation | null;
  readonly version: string;
  readonly disabled: boolean;
}

export interface FeastAggregation {
  readonly column: string;
  readonly function: string;
  readonly timeWindow: FeastDuration | null;
  readonly slideInterval: FeastDuration | null;
  readonly name: string;
}

export interface FeastFeatureView extends AnyView {
  readonly sourceViews: readonly { readonly name: string }[];
}

export interface FeastStreamView extends AnyView {
  readonly userDefinedFunction: FeastFunction | null;
  readonly aggregations: readonly FeastAggregation[];
  readonly timestampField: string;
}

export type FeastView = FeastFeatureView | FeastStreamView;

export interface FeastProjection {
  readonly featureViewName: string;
  readonly featureViewNameAlias: string;
  readonly featureColumns: readonly FeastField[];
  readonly joinKeyMap: Tags;
  readonly versionTag?: number | null;
}

export interface FeastOnDemandSource {
  readonly featureView?: { readonly spec: FeastFeatureView } | null;
  readonly requestDataSource?: FeastSource | null;
  readonly featureViewProjection?: FeastProjection | null;
}

export interface FeastOnDemandView extends Described {
  readonly features: readonly FeastField[];
  readonly sources: Readonly<Record<string, FeastOnDemandSource>>;
  readonly userDefinedFunction: FeastFunction | null;
  readonly featureTransformation: FeastTransformation | null;
  readonly mode: string;
  readonly singleton: boolean;
  readonly writeToOnlineStore: boolean;
  readonly aggregations: readonly FeastAggregation[];
}

export interface FeastService extends Described {
  readonly features: readonly FeastProjection[];
  readonly loggingConfig: { readonly sampleRate: number } | null;
}

interface Named {
  readonly name: string;
  readonly project: string;
}

/** One project of a registry. */
export interface FeastProject {
  readonly project: string;
  readonly entities: readonly FeastEntity[];
  readonly featureViews: readonly FeastFeatureView[];
  readonly streamFeatureViews: readonly FeastStreamView[];
  readonly onDemandFeatureViews: readonly FeastOnDemandView[];
  readonly featureServices: readonly FeastService[];
  readonly dataSources: readonly FeastSource[];
  readonly labelViews: readonly Named[];
  readonly savedDatasets: readonly Named[];
  readonly validationReferences: readonly Named[];
  readonly permissions: readonly Named[];
}
