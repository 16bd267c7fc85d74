/** The program as its users get it: the npm package, packed from this checkout and installed by npm into an empty folder; the executable. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { projectDir } from "../support/test-server.ts";

export interface Ran {
    exitCode: number;
    stdout: string;
    stderr: string;
}

/** Runs a program to its end, with nothing of the tests' own in its environment. */
export async function run(command: string[], cwd: string, environment: Record<string, string> = {}): Promise<Ran> {
    const child = spawn(command, cwd, environment);
    const [stdout, stderr, exitCode] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
    ]);
    return { exitCode, stdout, stderr };
}

export function spawn(command: string[], cwd: string, environment: Record<string, string> = {}) {
    const isOurs = (name: string) => /^(SLUICE_|TEST_|DATABASE_URL$|NODE_ENV$|npm_(?!config_))/.test(name);
    const kept = Object.entries(process.env).filter(([name]) => !isOurs(name)) as [string, string][];
    return Bun.spawn(command, {
        cwd,
        env: { ...Object.fromEntries(kept), NO_COLOR: "1", ...environment },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
    });
}

export interface InstalledPackage {
    /** Where npm installed it. */
    dir: string;
    /** The command `sluice`. */
    sluice: string;
    tarball: string;
}

/** `dir`: an empty folder. Root's embedded server runs as another account, which must be able to enter. @throws when npm fails */
export async function installPackage(dir: string): Promise<InstalledPackage> {
    await succeed(["npm", "pack", "--silent", "--pack-destination", dir], projectDir);
    const tarball = join(dir, readdirSync(dir).find((name) => name.endsWith(".tgz"))!);
    await succeed(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefer-offline", tarball], dir);
    return { dir, sluice: join(dir, "node_modules/.bin/sluice"), tarball };
}

/** Returns its path, `outfile`. @throws when it cannot be built */
export async function buildExecutable(outfile: string): Promise<string> {
    await succeed([process.execPath, "scripts/build-binary.ts", "--outfile", outfile], projectDir);
    return outfile;
}

async function succeed(command: string[], cwd: string): Promise<void> {
    const { exitCode, stdout, stderr } = await run(command, cwd);
    if (exitCode !== 0) throw new Error(`${command.join(" ")} ended with ${exitCode}:\n${stdout}${stderr}`);
}
