/** A command of scripts/ as a child process, the way a person or a program runs it. */
import { join } from "node:path";
import { projectDir } from "./test-server.ts";

export interface Ran {
    exitCode: number;
    stdout: string;
    stderr: string;
}

/**
 * Runs `scripts/NAME.ts` to its end, without a terminal. The environment is this process's without colours and without
 * DATABASE_URL, and then `environment`.
 */
export async function runScript(
    name: string,
    args: readonly string[] = [],
    { environment = {} }: { environment?: Record<string, string> } = {},
): Promise<Ran> {
    const child = spawnScript(name, args, { environment });
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
    { environment = {} }: { environment?: Record<string, string> } = {},
) {
    return Bun.spawn([process.execPath, join("scripts", `${name}.ts`), ...args], {
        cwd: projectDir,
        env: { ...process.env, FORCE_COLOR: "", NO_COLOR: "", DATABASE_URL: "", ...environment },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
    });
}
