/**
 * A command of scripts/ as a child process, the way a person or a program runs it. TEST_SLUICE_COMMAND, the path of an
 * installed `sluice` or of the executable, runs that one in its place: `bun run test:installed` sets it.
 */
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { commandGroups } from "../../scripts/sluice/commands.ts";
import { databaseVariables } from "./pooled.ts";
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
    /** What runs the command elsewhere: a machine's (machines.ts). */
    prefix?: readonly string[];
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
    // The program itself calls its commands `sluice NAME` in every form.
    const shown = name === "sluice" ? (text: string) => text : asInCheckout;
    return { exitCode, stdout: shown(stdout), stderr: shown(stderr) };
}

export const installedCommand = process.env.TEST_SLUICE_COMMAND;

/** What starts a command, its arguments left out. */
export function commandLine(name: string): string[] {
    if (!installedCommand) return [process.execPath, join(projectDir, "scripts", `${name}.ts`)];
    return name === "sluice" ? [installedCommand] : [installedCommand, name];
}

/** Whether the program that is tested has the command: those for work on Sluice itself are in no package. */
export function hasCommand(name: string): boolean {
    return !installedCommand || name === "sluice" || Object.values(commandGroups).some((group) => name in group);
}

/**
 * The installed command calls the others `sluice NAME`, and the tests know them as `bun run NAME`.
 * @throws when it says `bun run` itself, which there is nothing to run by
 */
export function asInCheckout(text: string): string {
    if (!installedCommand) return text;
    const [wrong] = /.*\bbun run\b.*/.exec(text) ?? [];
    if (wrong !== undefined) throw new Error(`The installed command says: ${wrong}`);
    return text.replaceAll(/\bsluice ([a-z-]+)/g, (words, name) =>
        name in manifest.scripts ? `bun run ${name}` : words,
    );
}

/** The same, to be watched and stopped. */
export function spawnScript(
    name: string,
    args: readonly string[] = [],
    { environment = {}, input, cwd = projectDir, prefix = [] }: ScriptOptions = {},
) {
    return Bun.spawn([...prefix, ...commandLine(name), ...args], {
        cwd,
        env: {
            ...process.env,
            ...streamsIn(cwd),
            ...{ FORCE_COLOR: "", NO_COLOR: "", DATABASE_URL: "" },
            ...environment,
            ...databaseVariables(environment.DATABASE_URL),
        },
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
