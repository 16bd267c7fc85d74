/** Tells a process from a later one that was given the same pid. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

const hasProc = existsSync("/proc/self/stat");

/**
 * When the process started, in a form that is only ever compared; null when there is no such process (a zombie is none).
 * On Linux the ticks since boot with the boot's id, because ticks repeat from boot to boot; elsewhere what `ps` says.
 */
export function startOfProcess(pid: number): string | null {
    if (!hasProc) return psField(pid, "lstart=");
    const stat = readProc(pid, "stat");
    if (stat === null) return null;
    // The second field is the command in parentheses and may hold anything, parentheses and spaces included.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return null;
    return `${fields[19]} ${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}`;
}

/** The words of its command line, or null when it is gone or a zombie. */
export function commandOfProcess(pid: number): string | null {
    if (!hasProc) return psField(pid, "command=");
    const commandLine = readProc(pid, "cmdline");
    return commandLine === null || commandLine === "" ? null : commandLine.replaceAll("\0", " ").trim();
}

function readProc(pid: number, file: string): string | null {
    try {
        return readFileSync(`/proc/${pid}/${file}`, "utf8");
    } catch {
        return null;
    }
}

function psField(pid: number, field: string): string | null {
    const { status, stdout } = spawnSync("ps", ["-o", field, "-p", String(pid)], { encoding: "utf8" });
    return status === 0 && stdout.trim() !== "" ? stdout.trim() : null;
}
