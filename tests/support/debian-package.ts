/** Debian's package when it is missing and we may install it: null when that went well, else why not. */
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Test files run side by side, and apt lets in one at a time. */
const lockFile = join(tmpdir(), "sluice-test-apt.lock");

export async function installDebianPackage(name: string, what: string): Promise<string | null> {
    if (process.getuid?.() !== 0) return `no ${what} is installed, and only root could install one`;
    if (!Bun.which("apt-get")) return `no ${what} is installed, and there is no apt-get to do it`;
    console.error(`Installing ${what} (apt-get install ${name}) …`);
    for (const step of [["update"], ["install", "--yes", "--no-install-recommends", name]]) {
        const child = Bun.spawn(["flock", lockFile, "apt-get", "-qq", ...step], {
            env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
            stdio: ["ignore", "ignore", "inherit"],
        });
        if ((await child.exited) !== 0) return `apt-get ${step[0]} failed`;
    }
    return null;
}
