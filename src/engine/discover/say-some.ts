/** Says something of each of many names, once, and of the first few only: a line each would bury everything else. */
import type { IngestLog, LogFacts } from "../context.ts";

const mostLines = 10;

/** `line` is what to say of a name; `further` closes the list when there are more names. */
export function createSaySome(
    log: IngestLog,
    { event, line, further }: { event: string; line: (name: string) => string; further: string },
): (name: string, facts?: Partial<LogFacts>) => void {
    const said = new Set<string>();
    return (name, facts) => {
        if (said.size > mostLines || said.has(name)) return;
        said.add(name);
        log.warn(said.size > mostLines ? further : line(name), { event, ...facts });
    };
}
