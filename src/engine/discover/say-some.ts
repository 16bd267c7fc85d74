/** Says something of each of many names, once, and of the first few only: a line each would bury everything else. */
import type { LogFacts } from "../context.ts";

const mostLines = 10;

/** `line` is what to say of a name; `further` closes the list when there are more names. */
export function createSaySome(
    say: (line: string, facts: LogFacts) => void,
    { event, line, further }: { event: string; line: (name: string) => string; further: string },
): (name: string, facts?: Partial<LogFacts>) => void {
    const said = new Set<string>();
    return (name, facts) => {
        if (said.size > mostLines || said.has(name)) return;
        said.add(name);
        say(said.size > mostLines ? further : line(name), { event, ...facts });
    };
}
