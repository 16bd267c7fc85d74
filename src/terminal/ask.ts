/** Asks at the terminal, on stderr; only `y` and `yes` are a yes. The caller has seen that stdin is a terminal. */
export async function askYesOrNo(question: string): Promise<boolean> {
    process.stderr.write(`${question} [y/N] `);
    // Bun's console is stdin by lines.
    for await (const line of console) return /^\s*y(es)?\s*$/i.test(line);
    return false;
}
