/** Asking before something is done that cannot be undone: at the terminal, on stderr. */
import { exitCodes, SluiceError } from "../errors.ts";

/** Call this before anything is changed or connected. @throws SluiceError confirmation_needed when nobody can be asked */
export function requireTerminal(action: string, remedy = "Give --yes if you are sure."): void {
    if (process.stdin.isTTY) return;
    throw new SluiceError({
        code: "confirmation_needed",
        what: `${action} asks before it begins, but there is no terminal; nothing was changed.`,
        from: "the command line",
        remedy,
        exitCode: exitCodes.usage,
    });
}

/** Only `y` and `yes` are a yes. The caller has seen that stdin is a terminal. */
export async function askYesOrNo(question: string): Promise<boolean> {
    process.stderr.write(`${question} [y/N] `);
    // Bun's console is stdin by lines.
    for await (const line of console) return /^\s*y(es)?\s*$/i.test(line);
    return false;
}

/** A line, without white space around it; null when the input has ended. The caller has seen that stdin is a terminal. */
export async function askText(question: string): Promise<string | null> {
    process.stderr.write(`${question} `);
    for await (const line of console) return line.trim();
    return null;
}
