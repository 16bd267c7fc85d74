/** A command of scripts/ on a pseudo-terminal, the way a person sees it. */
import { asInCheckout, commandLine, streamsIn } from "./run-script.ts";
import { projectDir } from "./test-server.ts";

/** `script`: the text of a program in place of a command's name, when it begins with a line end. */
export function runOnTerminal(
    name: string,
    args: readonly string[] = [],
    {
        environment = {},
        columns = 100,
        rows = 30,
        cwd = projectDir,
    }: { environment?: Record<string, string>; columns?: number; rows?: number; cwd?: string } = {},
) {
    const decoder = new TextDecoder();
    let output = "";
    const command = name.startsWith("\n") ? [process.execPath, "-e", name] : [...commandLine(name), ...args];
    const child = Bun.spawn(command, {
        cwd,
        env: {
            ...process.env,
            ...streamsIn(cwd),
            ...{ TERM: "xterm", CI: "", FORCE_COLOR: "", NO_COLOR: "", DATABASE_URL: "" },
            ...environment,
        },
        terminal: {
            cols: columns,
            rows,
            data(_terminal, data) {
                output += decoder.decode(data, { stream: true });
            },
        },
    });
    return {
        /** All that came so far, escapes included: stdout and stderr are one there. */
        output: () => asInCheckout(output),
        /** Types it. */
        write: (text: string) => void child.terminal?.write(text),
        kill: (signal: NodeJS.Signals) => child.kill(signal),
        exited: child.exited,
    };
}
