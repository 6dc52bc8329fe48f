/** Structured fields of a log line, in ECS names (`event.action`, `package.name`, …). */
export type LogFields = Readonly<Record<string, unknown>>;
