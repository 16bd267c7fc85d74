/** The log of one of several streams: each line begins with its name, and each fact has it. */
import type { IngestLog, LogFacts } from "../context.ts";

export function logOfStream(log: IngestLog, stream: string): IngestLog {
    const say = (level: keyof IngestLog) => (line: string, facts: LogFacts) =>
        log[level](`${stream}: ${line}`, { ...facts, stream });
    return { info: say("info"), warn: say("warn"), error: say("error") };
}
