#!/usr/bin/env node
// The command `sluice` of the npm package, for node: starts Sluice on the Bun that was installed with it.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

const platform = `${process.platform}-${process.arch === "arm64" ? "aarch64" : process.arch}`;
const program = fileURLToPath(new URL("sluice.js", import.meta.url));

function findBun() {
    try {
        return createRequire(import.meta.url).resolve(`@oven/bun-${platform}/bin/bun`);
    } catch {
        refuse(
            "bun_missing",
            `The package @oven/bun-${platform}, which runs Sluice, is not installed.`,
            /^(linux|darwin)-(x64|aarch64)$/.test(platform)
                ? "Install again without --omit=optional and --no-optional: npm install ./sluice-*.tgz"
                : "Use Linux or macOS, on x64 or arm64; on Windows, WSL.",
        );
    }
}

function refuse(code, what, fix) {
    process.stderr.write(`sluice: ${what}\n  fix:   ${fix}\n  code:  ${code} (exit 1)\n`);
    process.exit(1);
}

// --no-install: Bun would fetch what a file of yours imports. The channel carries nothing: its end tells Sluice that this
// process is gone, even if it was killed.
const child = spawn(findBun(), ["--no-install", program, ...process.argv.slice(2)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
});
child.on("error", (error) =>
    refuse("bun_broken", `Bun does not start: ${error.message}`, "Install the package again."),
);

// A Ctrl-C reaches both processes, and a second time from here: Sluice takes the two as one.
const signals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];
for (const signal of signals) process.on(signal, () => child.kill(signal));
child.on("exit", (exitCode, signal) => {
    if (signal === null) process.exit(exitCode);
    for (const name of signals) process.removeAllListeners(name);
    process.kill(process.pid, signal);
    // If the signal is one that node survives.
    setTimeout(() => process.exit(128 + constants.signals[signal]), 100);
});
