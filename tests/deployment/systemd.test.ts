/** docs/operations/sluice.service, by systemd's own reading of it, and held to what the program does. */
import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exitCodes } from "../../src/errors.ts";
import { makeFolder } from "../support/fixture.ts";
import { requireSystemd } from "../support/notify-socket.ts";
import { projectDir } from "../support/test-server.ts";
import { faultOfCommand, variables } from "./project-commands.ts";

const unitFile = join(projectDir, "docs/operations/sluice.service");
const unit = readFileSync(unitFile, "utf8");
/** The last value of a key; null when it is not there. */
const settingOf = (key: string) => [...unit.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].at(-1)?.[1] ?? null;

describe.skipIf(process.platform !== "linux")("to systemd", () => {
    const folder = makeFolder();
    beforeAll(() => requireSystemd("systemd-analyze"), 120_000);

    /** The unit with another text, as if the executable were where the unit says. */
    function verify(text: string): string {
        const path = join(folder, "sluice.service");
        writeFileSync(path, text.replace("/usr/local/bin/sluice", process.execPath));
        const { exitCode, stderr } = Bun.spawnSync(["systemd-analyze", "verify", path]);
        return exitCode === 0 && stderr.length === 0 ? "" : `${exitCode} ${stderr}`;
    }

    test("the unit is right, and a key or a value that is not is seen", () => {
        expect(verify(unit)).toBe("");
        expect(verify(unit.replace("WatchdogSec=", "WatchdgSec="))).toContain("Unknown key");
        expect(verify(unit.replace("WatchdogSec=90s", "WatchdogSec=soon"))).toContain("Failed to parse");
    });

    test("the service is exposed by two of ten points at most", () => {
        const args = ["security", "--offline=yes", "--threshold=20", "--no-pager", unitFile];
        const { exitCode, stdout } = Bun.spawnSync(["systemd-analyze", ...args]);
        expect([exitCode, stdout.toString().trim().split("\n").at(-1)]).toEqual([
            0,
            expect.stringContaining("exposure level"),
        ]);
    });
});

test("it starts a command of the project, as the program speaks to systemd", async () => {
    expect(
        await faultOfCommand(settingOf("ExecStart")!.replace("/usr/local/bin/sluice", "bun dist/sluice.js").split(" ")),
    ).toBeNull();
    expect([settingOf("Type"), settingOf("NotifyAccess")]).toEqual(["notify", "all"]);
});

test("it sets variables that are settings, and the folders that it makes are those that it may write to", () => {
    const set = settingOf("Environment")!
        .split(" ")
        .map((assignment) => assignment.split("=") as [string, string]);
    const made = settingOf("StateDirectory")!
        .split(" ")
        .map((name) => `/var/lib/${name}`);

    expect(set.filter(([name]) => !variables.includes(name))).toEqual([]);
    expect(set.map(([, value]) => value)).toEqual(made);
    expect(settingOf("ProtectSystem")).toBe("strict");
});

test("it does not start again what wrong flags or settings ended, and takes a stop for no failure", () => {
    expect(settingOf("RestartPreventExitStatus")).toBe(`${exitCodes.usage} ${exitCodes.configuration}`);
    expect(settingOf("SuccessExitStatus")).toBe("143");
});
