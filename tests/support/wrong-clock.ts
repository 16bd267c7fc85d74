/**
 * A process whose clock is wrong: libfaketime, loaded before everything else, answers what asks for the time. Bun asks
 * through the C library, so it works there. The monotonic clock is left alone, as a real clock that is set leaves it.
 */
import { writeFileSync } from "node:fs";
import { installDebianPackage } from "./debian-package.ts";

const places = ["/usr/lib/*-linux-gnu/faketime", "/usr/lib64/faketime", "/usr/lib/faketime", "/usr/local/lib/faketime"];

/** The library's path, or why there is none. */
export async function findFaketime(): Promise<{ path: string } | { missing: string }> {
    if (process.platform !== "linux") return { missing: "libfaketime is looked for on Linux only" };
    const found = findLibrary();
    if (found) return { path: found };
    const problem = await installDebianPackage("libfaketime", "libfaketime");
    if (problem !== null) return { missing: problem };
    const installed = findLibrary();
    return installed ? { path: installed } : { missing: "apt-get installed no libfaketime" };
}

function findLibrary(): string | undefined {
    return places.flatMap((place) => [...new Bun.Glob(`${place}/libfaketimeMT.so.1`).scanSync("/")])[0];
}

export function createWrongClock(library: string, stateFile: string, days: number) {
    /** From now on (within a second) it is wrong by so many days. */
    const set = (wrongBy: number) => writeFileSync(stateFile, `${wrongBy < 0 ? "-" : "+"}${Math.abs(wrongBy)}d`);
    set(days);
    return {
        /** For a child process. */
        environment: {
            LD_PRELOAD: library,
            FAKETIME_TIMESTAMP_FILE: stateFile,
            FAKETIME_CACHE_DURATION: "1",
            FAKETIME_DONT_FAKE_MONOTONIC: "1",
            NO_FAKE_STAT: "1",
        },
        set,
    };
}

/** How many days the clock of a process with that environment is ahead of ours. */
export function daysAhead(environment: Record<string, string>): number {
    const { stdout } = Bun.spawnSync([process.execPath, "-e", "console.log(Date.now())"], {
        env: { ...process.env, ...environment },
    });
    return Math.round((Number(stdout.toString()) - Date.now()) / 86_400_000);
}
