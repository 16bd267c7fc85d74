/** The table of states in docs/operations.md: each row from facts in a ledger, as the status reads it. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { State } from "../../src/operations/status/describe-state.ts";
import { readStatus } from "../../src/operations/status/read-status.ts";
import { states } from "../../src/operations/status/status-schema.ts";
import { makeFolder, useDatabase } from "../support/fixture.ts";
import { startIngest } from "../support/ingest-process.ts";
import { undoing } from "../support/sessions.ts";
import { projectDir } from "../support/test-server.ts";
import { waitUntil } from "../support/wait-until.ts";

const database = useDatabase(import.meta.path);

const worker = (age = "1 hour", report: object = { trigger: { kind: "interval", ms: 1000 } }) => `
    insert into ingest.workers (worker_id, host, pid, input_dir, started_at, lease_until, report)
    values (gen_random_uuid(), 'one', 11, '/srv/drops', now() - interval '${age}', now() + interval '1 hour', '${JSON.stringify(report)}');`;

const file = (state: string, age: string, loadedBytes = state === "pending" ? 0 : 100, nextAttempt = "null") => `
    insert into ingest.files (path, state, size_bytes, mtime_ns, inode, loaded_bytes, discovered_at, updated_at, problem, next_attempt_at)
    select
        '${state}' || count(*) || '.csv', '${state}', 100, 1, count(*), ${loadedBytes},
        now() - interval '${age}', now() - interval '${age}', ${state === "failed" ? "'header_missing_columns'" : "null"}, ${nextAttempt}
    from ingest.files;`;

/** A chunk of the newest file. */
const chunk = (state: string, age: string) => `
    insert into ingest.chunks
        (file_id, first_byte, end_byte, first_record_no, first_line_no, records, content_hash, state, staged_at)
    select max(file_id), 0, 100, 1, 2, 10, '', '${state}', now() - interval '${age}' from ingest.files;`;

const merge = (age: string, { inserted = 0, conflict = 0, rejected = 0 }, kind = "merge") => `
    insert into ingest.batches
        (batch_key, worker_id, slices, chunks, kind, read, inserted, duplicate, conflict, rejected, started_at, finished_at, duration_ms)
    values
        (gen_random_uuid(), gen_random_uuid(), 65535, 1, '${kind}', ${inserted + conflict + rejected}, ${inserted}, 0, ${conflict},
         ${rejected}, now() - interval '${age}' - interval '0.1 seconds', now() - interval '${age}', '{}');`;

const standing = (rejects: number, resolved = 0) =>
    ["", "price_invalid"]
        .map(
            (reason) => `
    insert into ingest.reject_stats (day, kind, reason, rejects, resolved, first_rejected_at, last_rejected_at, last_reject_id)
    values (now(), 'rejected', '${reason}', ${rejects}, ${resolved}, now(), now(), 1);`,
        )
        .join("");

const paused = `
    update ingest.streams
    set paused_at = now() - interval '3 hours', paused_by = 'ana@one', pause_reason = 'the disk is replaced.';`;

const good = merge("1 second", { inserted: 1000 });
const lockTrouble = (seconds: number) => ({
    trouble: { code: "55P03", what: "55P03: another session holds a lock; see pg_locks", attempts: 3, seconds },
});

const cases: Partial<
    Record<`${State["state"]}, ${State["tone"]}`, [what: string, facts: string[], verdict: RegExp][]>
> = {
    "empty, quiet": [
        ["nothing", [], /no ingest is running\.$/],
        ["somebody waits for the first file", [worker()], /^Waiting for the first file\.$/],
    ],
    "stopped, quiet": [
        [
            "nobody at work, nothing waits",
            [file("merged", "1 day"), merge("1 day", { inserted: 1 })],
            /Everything seen is merged\.$/,
        ],
    ],
    "stopped, busy": [
        [
            "nobody at work, a file failed yesterday",
            [file("failed", "1 day"), merge("1 hour", { inserted: 1 })],
            /Everything that could be read is merged\. 1 file failed: `bun run files --state failed`\.$/,
        ],
        [
            "nobody at work, all was rejected",
            [file("merged", "1 minute"), merge("1 minute", { rejected: 49 }), standing(49)],
            /Not accepted: 49 of the latest 49 records \(49 rejected, most often price_invalid\)\. `bun run rejects`/,
        ],
    ],
    "blocked, bad": [
        [
            "the table is not what it was, and a file waits",
            [
                worker(),
                file("pending", "1 hour"),
                `update ingest.streams
                set problem = 'table_changed', problem_detail = 'events has no column price. Add it again', problem_at = now();`,
            ],
            /^Blocked: events has no column price\. Add it again\.$/,
        ],
    ],
    "paused, busy": [
        [
            "somebody paused it, and files that would be an alarm wait or failed",
            [
                worker(),
                file("pending", "5 hours"),
                file("loaded", "5 hours"),
                chunk("staged", "5 hours"),
                file("failed", "1 minute"),
                merge("1 hour", { rejected: 49 }),
                standing(49),
                paused,
            ],
            /^Paused for 3h by ana@one: the disk is replaced\. 2 files, 100 B to read, 10 staged records wait; what arrives now is seen once it is resumed\. Resume it: `bun run resume --stream events`\.$/,
        ],
        [
            "paused, without a reason, and nobody at work",
            [file("merged", "1 day"), paused.replace("'the disk is replaced.'", "null")],
            /^Paused for 3h by ana@one\. No ingest is running\. Resume it/,
        ],
        [
            "paused, and its table is in the way too",
            [
                worker(),
                paused,
                "update ingest.streams set problem = 'table_missing', problem_detail = 'events is gone', problem_at = now();",
            ],
            /^Paused for 3h by ana@one: the disk is replaced\. Blocked: events is gone\. Resume it/,
        ],
    ],
    "stopped, bad": [
        [
            "nobody at work, a file waits",
            [file("pending", "1 minute")],
            /^No ingest is running\. Waiting: 1 file, 100 B to read\. Start one: `bun run ingest`\.$/,
        ],
        [
            "nobody at work, staged records wait",
            [file("loaded", "1 minute"), chunk("staged", "1 minute")],
            /Waiting: .*10 staged records\./,
        ],
    ],
    "rejecting, bad": [
        [
            "49 of 49 rejected",
            [worker(), file("merged", "1 hour"), merge("1 second", { rejected: 49 }), standing(49)],
            /^Not accepted: 49 of the latest 49 records .*`bun run replay`\.$/,
        ],
        [
            "1 of 1 rejected",
            [worker(), file("merged", "1 hour"), merge("1 second", { rejected: 1 }), standing(1)],
            /^Not accepted: 1 of the latest 1 record \(/,
        ],
        [
            "most of it in conflict",
            [worker(), file("merged", "1 hour"), merge("1 second", { inserted: 24, conflict: 25 }), standing(25)],
            /25 in conflict/,
        ],
        [
            "half an hour of garbage, in small merges",
            [
                worker(),
                file("merged", "1 hour"),
                ...Array.from({ length: 30 }, (_, minute) => merge(`${minute} minutes`, { inserted: 1, rejected: 9 })),
                standing(270),
            ],
            /^Not accepted: 270 of the latest 300/,
        ],
    ],
    "running, good": [
        [
            "a few rejects among many records",
            [worker(), file("merged", "1 hour"), good, merge("2 seconds", { rejected: 49 }), standing(49)],
            /^Keeping up/,
        ],
        [
            "all rejected, and a replay took them",
            [worker(), file("merged", "1 hour"), merge("1 second", { rejected: 49 }), standing(49, 49)],
            /^Keeping up/,
        ],
        [
            "a merge that goes on for a minute",
            [worker(), file("loaded", "1 minute"), chunk("staged", "1 minute")],
            /^Keeping up/,
        ],
        ["a hiccup", [worker("1 hour", lockTrouble(30)), file("merged", "4 minutes"), good], /^Keeping up/],
        [
            "an old backlog, and somebody who has just begun",
            [worker("30 seconds"), file("loaded", "5 hours"), chunk("staged", "5 hours")],
            /^Keeping up/,
        ],
        [
            "a file that waits within its budget while it is read",
            [
                worker(),
                file("pending", "30 minutes", 50),
                chunk("held", "30 minutes"),
                chunk("held", "1 second").replace("0, 100", "100, 200"),
            ],
            /^Keeping up/,
        ],
        [
            "a tail that waits for its line end",
            [
                worker("3 hours", { tailSettleMs: 3_600_000 }),
                file("pending", "1 hour", 90),
                merge("1 hour", { inserted: 1 }),
            ],
            /in progress\.$/,
        ],
        [
            "a long trigger",
            [
                worker("3 hours", { trigger: { kind: "interval", ms: 600_000 } }),
                file("loaded", "9 minutes"),
                chunk("staged", "9 minutes"),
                merge("10 minutes", { inserted: 1000 }),
            ],
            /^Keeping up/,
        ],
    ],
    "idle, good": [
        [
            "all rejected, yesterday",
            [worker("2 days"), file("merged", "1 day"), merge("1 day", { rejected: 49 }), standing(49)],
            /^Up to date/,
        ],
        [
            "nothing came for a while",
            [worker(), file("merged", "1 hour"), merge("10 minutes", { inserted: 1 })],
            /^Up to date/,
        ],
    ],
    "failing, bad": [
        [
            "every file failed, yesterday",
            [worker("2 days"), ...Array.from({ length: 3 }, () => file("failed", "1 day"))],
            /^3 files failed, and none has been merged since\./,
        ],
        [
            "the last three failed, yesterday",
            [
                worker("3 days"),
                file("merged", "2 days"),
                merge("2 days", { inserted: 1 }),
                ...Array.from({ length: 3 }, () => file("failed", "1 day")),
            ],
            /^3 files failed, and none has been merged since\./,
        ],
    ],
    "failing, busy": [
        [
            "a file failed a minute ago",
            [worker(), file("merged", "1 hour"), good, file("failed", "1 minute")],
            /1 file failed; the others continue\. .*It is retried when it changes, or when its source in sluice\.config\.ts changes\.$/,
        ],
        [
            "a file that is tried again",
            [
                worker("2 days"),
                file("failed", "1 day", 0, "now() + interval '1 minute'"),
                file("merged", "1 hour"),
                good,
            ],
            /It is retried in/,
        ],
    ],
    "idle, busy": [
        [
            "a file failed yesterday, others got in since",
            [worker("2 days"), file("failed", "1 day"), file("merged", "1 hour"), merge("1 hour", { inserted: 1 })],
            /everything that could be read is merged\. 1 file failed: `bun run files --state failed`\.$/,
        ],
    ],
    "stuck, bad": [
        [
            "a merge that does not end",
            [worker(), file("loaded", "5 minutes"), chunk("staged", "5 minutes")],
            /^Stuck\. Nothing has been merged for 5m, and 10 staged records are waiting\. .*`bun run doctor`\. Restarting the ingest is safe\.$/,
        ],
        [
            "a merge that does not end, and a replay that does",
            [
                worker(),
                file("loaded", "5 minutes"),
                chunk("staged", "5 minutes"),
                merge("1 second", { inserted: 5 }, "replay"),
            ],
            /Nothing has been merged for 5m/,
        ],
        [
            "one chunk that is passed over",
            [worker(), file("loaded", "20 minutes"), chunk("staged", "20 minutes"), good],
            /Some of the 10 staged records have waited for 20m while others were merged/,
        ],
        [
            "a step that fails for minutes",
            [worker("1 hour", lockTrouble(200)), file("loaded", "4 minutes"), chunk("staged", "4 minutes")],
            /The database refuses a step: 55P03: another session holds a lock; see pg_locks\. It was tried 3 times in 3m 20s\. 10 staged records are waiting/,
        ],
        [
            "a step that fails for minutes beside others",
            [worker("1 hour", lockTrouble(200)), file("merged", "4 minutes"), good],
            /another session holds a lock/,
        ],
        [
            "the folder is away",
            [worker("1 hour", { isFolderAway: true }), file("merged", "1 hour"), good],
            /^Stuck\. The input folder \/srv\/drops cannot be read\. Restore it/,
        ],
        [
            "a file that nobody reads",
            [worker(), file("pending", "20 minutes")],
            /Nothing has been read for 20m\. Files waiting: 1\./,
        ],
        [
            "stuck, and a file failed",
            [worker(), file("failed", "10 minutes"), file("loaded", "5 minutes"), chunk("staged", "5 minutes")],
            /1 file failed: `bun run files/,
        ],
    ],
    "behind, busy": [
        [
            "more waits than can be merged soon",
            [
                worker(),
                file("loaded", "1 minute"),
                chunk("staged", "1 minute"),
                merge("10 seconds", { inserted: 1 }),
                "update ingest.batches set started_at = finished_at - interval '100 seconds'",
            ],
            /--merge-workers/,
        ],
    ],
    "starting, quiet": [
        [
            "somebody has just begun",
            [worker("1 second"), file("merged", "1 hour"), merge("10 minutes", { inserted: 1 })],
            /^Starting\.$/,
        ],
    ],
};

describe.each(Object.entries(cases))("the verdict is %s:", (expected, facts) => {
    test.each(facts)("%s", async (_, statements, sentences) => {
        const { state, tone, verdict } = await undoing(database.sql, async (sql) => {
            await sql.unsafe(statements.join("\n"));
            return await readStatus(sql);
        });
        expect([`${state}, ${tone}`, verdict]).toEqual([expected, expect.stringMatching(sentences)]);
    });
});

test("a session that keeps merged rows in staging is named, whatever the state, with what to do", async () => {
    const reader = await database.sql.reserve();
    try {
        await reader`begin`;
        await reader`select count(*) from ingest.staging`;
        const [{ pid }] = await reader<[{ pid: number }]>`select pg_backend_pid() as pid`;
        const named = new RegExp(`removed from ingest\\.staging: session ${pid} .*pg_terminate_backend\\(${pid}\\)`);
        const status = await waitUntil("it is named", async () => {
            const latest = await readStatus(database.sql);
            return latest.stagingReaders.length > 0 ? latest : null;
        });
        expect([status.state, status.tone, status.verdict]).toEqual(["empty", "busy", expect.stringMatching(named)]);
    } finally {
        await reader`rollback`;
        reader.release();
    }
    expect((await readStatus(database.sql)).verdict).not.toContain("staging");
}, 60_000);

test("the table in the documents has every state, the gravest first", () => {
    const rows = readFileSync(join(projectDir, "docs/operations.md"), "utf8").split("\n");
    const from = rows.findIndex((row) => row.startsWith("| state | holds when |"));
    const documented = rows.slice(from + 2, rows.indexOf("", from)).flatMap((row) => row.split("|")[1]!.match(/\w+/g)!);
    expect(documented).toEqual([...states]);
    const met = Object.keys(cases).map((expected) => expected.split(",")[0]!);
    expect([...new Set(met)].toSorted()).toEqual([...states].toSorted());
});

test("an ingest whose folder goes away says so, and goes on when it is back", async () => {
    const parent = makeFolder();
    const [folder, elsewhere] = [join(parent, "drops"), join(parent, "elsewhere")];
    mkdirSync(folder);
    const ingest = startIngest(database.url, folder, ["--trigger", "200ms"]);
    const isIn = async (wanted: string) => (await readStatus(database.sql)).state === wanted;
    try {
        await waitUntil("it loads", async () => {
            const [worker] = (await readStatus(database.sql)).workers;
            return (worker?.report as { isLoader?: boolean } | undefined)?.isLoader === true;
        });
        renameSync(folder, elsewhere);
        await waitUntil("it is stuck", () => isIn("stuck"));
        expect((await readStatus(database.sql)).verdict).toContain(folder);
        writeFileSync(
            join(elsewhere, "a.csv"),
            "event_id,event_type,product_id,user_id,event_timestamp,quantity,price\n",
        );
        // Once, not with each look.
        expect(ingest.stderr().split("Waiting for it.").length - 1).toBe(1);
        renameSync(elsewhere, folder);
        await waitUntil("it goes on", async () => !(await isIn("stuck")));
    } finally {
        ingest.kill("SIGTERM");
        await ingest.exited;
    }
}, 120_000);
