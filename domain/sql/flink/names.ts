/** The tables of a Flink session that the printed statements write to. */
export const featuresSink = (view: string): string => `features_${view}`;
export const lateSink = (view: string): string => `late_${view}`;
