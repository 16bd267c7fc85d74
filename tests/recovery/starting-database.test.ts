/**
 * A server that answers that it is starting is waited for, by whoever has just come: after a crash, ingest and server are
 * often started together. A standby without readers stays in that state until it is promoted.
 */
import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openDatabase } from "../../src/database/open-database.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { makeNumberedFolder } from "../support/ingest-fixture.ts";
import { startIngest } from "../support/ingest-process.ts";
import { useOwnServer } from "../support/own-server.ts";
import { runScript } from "../support/run-script.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

let clusterDir: string;
const prepare = (dir: string) => {
    clusterDir = dir;
};
const server = useOwnServer({ settings: { hot_standby: "off" }, prepare });
const { inputDir, put } = makeNumberedFolder();
put(1);

test("an ingest that comes while the server is starting says so, waits, and does its work", async () => {
    const target = await server.createDatabase();
    await server.stop();
    writeFileSync(join(clusterDir, "standby.signal"), "");
    const started = server.start();
    const pidFile = join(clusterDir, "postmaster.pid");
    const isStandby = () => existsSync(pidFile) && readFileSync(pidFile, "utf8").includes("standby");
    await waitUntil("the server answers that it is starting", isStandby);

    const doctor = await runScript("doctor", [], { environment: { DATABASE_URL: target.url } });
    expect(doctor.stdout).toContain("it is starting, recovering or shutting down");
    const impatient = openDatabase({
        databaseUrl: target.url,
        dataDir: "nowhere",
        log: () => {},
        startPatienceMs: 300,
    });
    const refusal = await impatient.catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: "database_unreachable", exitCode: 4 });

    const child = startIngest(target.url, inputDir, ["--trigger", "available-now"]);
    await waitUntil("the ingest says so", () => child.stderr().includes("The database is starting or recovering"));
    writeFileSync(join(clusterDir, "promote"), "");
    process.kill(Number(readFileSync(pidFile, "utf8").split("\n")[0]), "SIGUSR1");
    await started;
    const { exitCode, stderr, summary } = await child.finish();
    expect(exitCode).toBe(0);
    expect(stderr.match(/The database is/g)).toHaveLength(1);
    expect(summary!.records).toMatchObject({ read: 1, inserted: 1 });
});
