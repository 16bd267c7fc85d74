/** A command of scripts/ as a child process, the way a person or a program runs it. */
import { join } from "node:path";
import { projectDir } from "./test-server.ts";

export interface Ran {
    exitCode: number;
    stdout: string;
    stderr: string;
}

export interface ScriptOptions {
    environment?: Record<string, string>;
    input?: string;
    /** Where sluice.config.ts and streams/ are looked for. */
    cwd?: string;
}

/**
 * Runs `scripts/NAME.ts` to its end, without a terminal, with `input` on stdin. The environment is this process's without
 * colours and without DATABASE_URL, and then `environment`.
 */
export async function runScript(name: string, args: readonly string[] = [], options: ScriptOptions = {}): Promise<Ran> {
    const child = spawnScript(name, args, options);
    const [stdout, stderr, exitCode] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
    ]);
    return { exitCode, stdout, stderr };
}

/** The same, to be watched and stopped. */
export function spawnScript(
    name: string,
    args: readonly string[] = [],
    { environment = {}, input, cwd = projectDir }: ScriptOptions = {},
) {
    return Bun.spawn([process.execPath, join(projectDir, "scripts", `${name}.ts`), ...args], {
        cwd,
        env: { ...process.env, ...streamsIn(cwd), FORCE_COLOR: "", NO_COLOR: "", DATABASE_URL: "", ...environment },
        stdin: input === undefined ? "ignore" : new TextEncoder().encode(input),
        stdout: "pipe",
        stderr: "pipe",
    });
}

/** In a folder of the test's own, that folder's streams/. */
export const streamsIn = (cwd: string) => (cwd === projectDir ? {} : { SLUICE_STREAMS_DIR: "" });

/** Collects the text of a stream, up to its end. */
export function collect(stream: ReadableStream<Uint8Array>): { text: () => string; ended: Promise<void> } {
    const decoder = new TextDecoder();
    let text = "";
    const read = async () => {
        for await (const piece of stream) text += decoder.decode(piece, { stream: true });
    };
    return { text: () => text, ended: read() };
}
