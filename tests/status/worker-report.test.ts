import { expect, test } from "bun:test";
import { formatStatus } from "../../src/commands/status/format-status.ts";
import { readStatus } from "../../src/operations/status/read-status.ts";
import type { LiveWorker, Status } from "../../src/operations/status/status-schema.ts";
import { describeWork, listingOf } from "../../src/operations/status/worker-report.ts";
import { useDatabase } from "../support/fixture.ts";

const database = useDatabase(import.meta.path);
const listing = { name: "s3://drops/in/", keys: 1234, secondsAgo: 40, seconds: 1.2 };
const said = "listed 1,234 keys of s3://drops/in/ 40 s ago, in 1.2 s";

test("says of a worker what it does, and of a bucket when it was last listed", () => {
    expect(describeWork({ report: { loading: "a.csv", merging: 2, listing }, isLoader: true })).toBe(
        `loads a.csv, 2 merges; ${said}`,
    );
    expect(describeWork({ report: { listing: null }, isLoader: true })).toBe("idle, the loader");
    // Of a version that reports something else, nothing is said.
    expect(listingOf({ listing: { name: "s3://drops/in/", keys: "many" } })).toBeNull();
});

test("status has a line for each bucket of the one process, and tells it with the work of several", async () => {
    const status = await readStatus(database.sql);
    const worker = (pid: number, report: unknown): LiveWorker => ({
        ...{
            workerId: `w${pid}`,
            name: "one",
            host: "one",
            pid,
            stream: "events",
            isLoader: true,
            inputDir: "/in",
            report,
        },
        ...{ startedAt: status.asOf, leaseUntil: status.asOf },
    });
    const lines = (...workers: LiveWorker[]) => formatStatus({ ...status, workers } as Status, { color: false });
    expect(lines(worker(1, { listing })).join("\n")).toMatch(
        new RegExp(`^bucket +${said.replaceAll(/[./]/g, "\\$&")}$`, "m"),
    );
    expect(lines(worker(1, {})).join("\n")).not.toContain("bucket");
    expect(lines(worker(1, { listing }), worker(2, {})).join("\n")).toContain(`idle, the loader; ${said}`);
});
