/** What a model is told of this server when it connects. */
export const INSTRUCTIONS = `Millrace is a feature platform: it computes features of entities from streams of events and can say what each value was at any moment.

Every value is a function of two times. "at": events that happened after it do not count. "known": events that arrived after it do not count. Both default to now. For what a model saw at a past moment T, give at = T and known = T; for the best present knowledge of T, give only at = T.

Every answer has "at", "known" and "link": the request on this gateway that gives the same answer again, and more of it, with the same API key. If link.repeatable is false, it gives the state of the time at which it is followed. Quote the link when you report a value.

Start with search_definitions, then show_definition for keys and types, then read_features or explain_value. Errors have a code and a fix.`;
