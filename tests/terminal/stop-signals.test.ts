import { afterEach, expect, test } from "bun:test";
import { onStopSignal, readParentPid, type StopHandler } from "../../src/terminal/stop-signals.ts";

let dispose = () => {};
afterEach(() => dispose());

/** Signals are delivered by the process's own emitter, at times of the test's own clock. */
function listen(presses: [ms: number, signal: "SIGINT" | "SIGTERM"][], { isDisposed = false } = {}): string[] {
    const heard: string[] = [];
    const handler: StopHandler = {
        stop: (signal) => heard.push(`stop ${signal}`),
        again: (signal) => heard.push(`again ${signal}`),
    };
    let clockMs = 0;
    dispose = onStopSignal(handler, { nowMs: () => clockMs, underNpm: false });
    if (isDisposed) dispose();
    for (const [ms, signal] of presses) {
        clockMs = ms;
        process.emit(signal, signal);
    }
    return heard;
}

test("one Ctrl-C that arrives twice is one", () => {
    const heard = listen([
        [1000, "SIGINT"],
        [1000, "SIGINT"],
        [1299, "SIGTERM"],
    ]);
    expect(heard).toEqual(["stop SIGINT"]);
});

test("a later press insists, each time", () => {
    const heard = listen([
        [1000, "SIGTERM"],
        [1300, "SIGINT"],
        [2000, "SIGINT"],
    ]);
    expect(heard).toEqual(["stop SIGTERM", "again SIGINT", "again SIGINT"]);
});

test("after it is disposed of, nothing is heard", () => {
    const listeners = process.listenerCount("SIGINT");
    expect(listen([[1000, "SIGINT"]], { isDisposed: true })).toEqual([]);
    expect(process.listenerCount("SIGINT")).toBe(listeners);
});

test("the parent of this process, and of one that is gone", () => {
    expect(readParentPid(process.pid)).toBe(process.ppid);
    expect(readParentPid(2 ** 22 + 1)).toBe(0);
});

const script = `
    import { onStopSignal } from ${JSON.stringify(import.meta.resolve("../../src/terminal/stop-signals.ts"))};
    onStopSignal({ stop(signal) { console.log(signal); if (process.env.LEAVE) process.exit(0); } });
    setInterval(() => {}, 1000);
    console.log("ready", process.pid);`;

test("without a handler for it, a second press ends the process with the signal's code", async () => {
    const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
    const output = child.stdout.getReader();
    await output.read();
    child.kill("SIGINT");
    await output.read();
    await Bun.sleep(350);
    child.kill("SIGINT");

    expect(await child.exited).toBe(130);
});

test("stops when npx was killed above it", async () => {
    // The chain under npx: a shell, `bun run`, and the script. Killing the shell is what npx does when it dies of SIGTERM.
    const middle = `const child = Bun.spawn([process.execPath, "-e", process.argv[1]], { stdout: "inherit" }); await child.exited;`;
    const shell = Bun.spawn(["sh", "-c", `"$0" -e "$1" "$2"; true`, process.execPath, middle, script], {
        stdout: "pipe",
        env: { ...process.env, npm_config_user_agent: "npm/10.0.0 node/v20", LEAVE: "1" },
    });
    const output = shell.stdout.getReader();
    const { value } = await output.read();
    expect(new TextDecoder().decode(value)).toStartWith("ready");
    shell.kill("SIGKILL");

    const deadline = setTimeout(() => output.cancel(), 5000);
    const { value: said } = await output.read();
    clearTimeout(deadline);
    expect(new TextDecoder().decode(said)).toBe("SIGTERM\n");
});
