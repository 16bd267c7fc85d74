/**
 * A disk of a few megabytes, to be filled and freed: a tmpfs, which only root may mount. Its files take memory, and go with
 * it.
 */
import { chmodSync, closeSync, mkdtempSync, openSync, rmdirSync, rmSync, statfsSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type SmallDisk = ReturnType<typeof openSmallDisk>;

/** Why no disk can be mounted here, or null. */
export function whyNoSmallDisk(): string | null {
    if (process.platform !== "linux") return "a tmpfs needs Linux";
    if (process.getuid?.() !== 0) return "only root may mount a tmpfs";
    try {
        openSmallDisk(1).close();
        return null;
    } catch (error) {
        return (error as Error).message;
    }
}

export function openSmallDisk(megabytes: number) {
    const path = mkdtempSync(join(tmpdir(), "sluice-small-disk-"));
    const mount = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", `size=${megabytes}m`, "sluice-test", path]);
    if (!mount.success) {
        rmdirSync(path);
        throw new Error(`a tmpfs cannot be mounted: ${mount.stderr.toString().trim()}`);
    }
    chmodSync(path, 0o755);
    const ballast = join(path, "ballast");
    return {
        path,
        /** Writes to it until no more than so many bytes fit. */
        fill(leftBytes = 0) {
            const file = openSync(ballast, "a");
            try {
                fillUp(file, path, leftBytes);
            } catch (error) {
                // Somebody else was quicker.
                if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
            } finally {
                closeSync(file);
            }
        },
        /** Takes that away again. */
        free: () => rmSync(ballast, { force: true }),
        close() {
            // Lazily: a server that was killed may still hold it for a moment.
            Bun.spawnSync(["umount", "--lazy", path]);
            rmdirSync(path);
        },
    };
}

function fillUp(file: number, path: string, leftBytes: number): void {
    while (true) {
        const { bavail, bsize } = statfsSync(path);
        const wanted = Math.min(bavail * bsize - leftBytes, 1024 * 1024);
        if (wanted < bsize) return;
        writeSync(file, new Uint8Array(wanted));
    }
}
