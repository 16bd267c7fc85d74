/** The crash lab's addresses: absent unless it was asked for, and never for another site or another machine. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createLab } from "../../scripts/lab/lab.ts";
import { makeFolder } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { runScript } from "../support/run-script.ts";
import { waitUntil } from "../support/wait-until.ts";
import { type ApiFixture, openApiFixture, useApi } from "./api-fixture.ts";
import { readDocument } from "./check-conformance.ts";

const json = { "content-type": "application/json" };
const without = useApi(import.meta.path);
let api: ApiFixture;
const folder = makeFolder();
let isIngesting = true;
let ingesting: Promise<void>;

beforeAll(async () => {
    // Nothing is killed here: experiments that take processes are in tests/browser/lab.test.ts.
    const ingest = { pid: () => 1, kill: () => null, stop: async () => {}, failed: new Promise<never>(() => {}) };
    const database = { crash: () => null, pid: () => 2 };
    const lab = createLab({ sql: without.sql, inputDir: folder, ingest, database });
    api = await openApiFixture(without.database, { lab });
    ingesting = (async () => {
        while (isIngesting) await ingestFolder(without.database.target, folder);
    })();
});
afterAll(async () => {
    isIngesting = false;
    await ingesting;
});

test("is not there without the flag: no address, no word in the document", async () => {
    expect((await without.get("/v1/lab")).status).toBe(404);
    expect((await without.post("/v1/lab/crash_database", "{}", json)).status).toBe(404);
    expect(JSON.stringify((await readDocument(without.app)).paths)).not.toContain("/v1/lab");
});

test("should fail to start where it could harm a database that matters, or be reached by others", async () => {
    for (const [args, environment, what] of [
        [["--lab"], { DATABASE_URL: "postgres://somebody@127.0.0.1:1/precious" }, "only with the embedded one"],
        [["--lab", "--database-url", "postgres://somebody@127.0.0.1:1/precious"], {}, "only with the embedded one"],
        [["--lab", "--host", "0.0.0.0"], { SLUICE_API_TOKEN: "t".repeat(32) }, "only for users of this machine"],
    ] as const) {
        const ran = await runScript("start", [...args, "--data-dir", folder, "--input", folder], { environment });
        expect([ran.exitCode, ran.stderr]).toEqual([2, expect.stringContaining(what)]);
    }
});

/** Once it has ended. */
const latestRun = () =>
    waitUntil("the experiment ends", async () => {
        const [run] = (await api.get("/v1/lab")).body.runs;
        return run.state !== "running" && run;
    });

test("should fail for an experiment that there is not", async () => {
    expect((await api.post("/v1/lab/drop_everything", "{}", json)).body.code).toBe("experiment_not_found");
    expect((await api.get("/v1/lab")).body.runs).toEqual([]);
});

test("carries out one at a time, and tells how it went", async () => {
    const begun = await api.post("/v1/lab/deliver_twice", "{}", json);
    expect([begun.status, begun.body.state]).toEqual([202, "running"]);
    const second = await api.post("/v1/lab/send_garbage", "{}", json);
    expect([second.status, second.body.code]).toEqual([409, "experiment_running"]);
    expect(await latestRun()).toMatchObject({
        state: "balanced",
        counts: { read: 2000, inserted: 1000, duplicate: 1000, conflict: 0, rejected: 0 },
    });
    const { runs, ingestPid, databasePid } = (await api.get("/v1/lab")).body;
    expect([ingestPid, databasePid, runs.length]).toEqual([1, 2, 1]);
}, 60_000);

test("refuses every line of its garbage, and takes every good record in between", async () => {
    await api.post("/v1/lab/send_garbage", "{}", json);
    expect(await latestRun()).toMatchObject({
        state: "balanced",
        counts: { read: 45, inserted: 20, duplicate: 0, conflict: 0, rejected: 25 },
    });
}, 60_000);
