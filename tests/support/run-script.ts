/**
 * A command of scripts/ as a child process, the way a person or a program runs it. TEST_SLUICE_COMMAND, the path of an
 * installed `sluice`, runs that one in its place: tests/package has tests of commands run through it.
 */
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
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
    return { exitCode, stdout: asInCheckout(stdout), stderr: asInCheckout(stderr) };
}

export const installedCommand = process.env.TEST_SLUICE_COMMAND;

/** The installed command calls the others `sluice NAME`, and the tests know them as `bun run NAME`. */
export function asInCheckout(text: string): string {
    if (!installedCommand) return text;
    return text.replaceAll(/\bsluice ([a-z-]+)/g, (words, name) =>
        name in manifest.scripts ? `bun run ${name}` : words,
    );
}

/** The same, to be watched and stopped. */
export function spawnScript(
    name: string,
    args: readonly string[] = [],
    { environment = {}, input, cwd = projectDir }: ScriptOptions = {},
) {
    const command = installedCommand
        ? [installedCommand, ...(name === "sluice" ? [] : [name])]
        : [process.execPath, join(projectDir, "scripts", `${name}.ts`)];
    return Bun.spawn([...command, ...args], {
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
