/** The life of a record, by its event_id and by where it came from: from SQL, from the command, from the API. */
import { beforeAll, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatTrace } from "../../src/commands/format-trace.ts";
import { keyWordsOf, parseTraceSubject } from "../../src/operations/parse-trace-subject.ts";
import { readTrace } from "../../src/operations/read-trace.ts";
import { runReplay } from "../../src/operations/run-replay.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { useApi } from "../api/api-fixture.ts";
import { header, idOf, makeFolder } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { runScript } from "../support/run-script.ts";

const api = useApi(import.meta.path);
const events = { name: "events", home: "ingest" };
const inputDir = makeFolder();
beforeAll(async () => {
    const write = (name: string, lines: string[]) =>
        writeFile(join(inputDir, name), `${[header, ...lines].join("\n")}\n`);
    await write("a.csv", [
        `${idOf(1)},view,p,u,2024-01-01 00:00:00,1,1.50`,
        `${idOf(2)},wish,,u,2024-01-01 00:00:00,,-1`,
        "only,two\u001b[2J",
        `${idOf(1)},view,p,u,2024-01-01 00:00:00,1,1.5`,
        `${idOf(3)},wish,p,u,2024-01-01 00:00:00,,`,
    ]);
    await write("b.csv", [`${idOf(1).toUpperCase()},view,p,u,2024-01-01 00:00:00,1,9`]);
    await ingestFolder(api.database.target, inputDir);
    await api.sql`insert into ingest.event_types values ('wish')`;
    await runReplay(api.sql, { file: "a.csv" });
});

test("an event: its file, bytes, chunk, load, rules and batch; then its rivals and why they are", async () => {
    const { records } = await readTrace(api.sql, events, { key: { event_id: idOf(1) } });

    expect(records.map(({ file, recordNo, outcome }) => [file.path, recordNo, outcome])).toEqual([
        ["a.csv", 1, "inserted"],
        ["b.csv", 1, "conflict"],
    ]);
    const [event, rival] = records;
    expect(event).toMatchObject({
        file: { version: 1, state: "merged" },
        chunk: { firstByte: 0, firstRecordNo: 1, records: 5, state: "merged" },
        load: { way: "verbatim" },
        insertedBy: { kind: "merge" },
        event: { event_id: idOf(1), price: "1.50" },
        rejects: [],
    });
    expect(event!.verdicts!.map(({ column, reason }) => [column, reason])).toEqual(
        header.split(",").map((column) => [column, null]),
    );
    expect(rival).toMatchObject({
        event: null,
        insertedBy: null,
        rejects: [
            { kind: "conflict", reasons: ["event_id_conflict"], record: { price: "9" }, batch: { kind: "merge" } },
        ],
    });
});

test("a rejected record: each rule's verdict, by today's rules", async () => {
    const { records } = await readTrace(api.sql, events, { file: "a.csv", record: 2 });

    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ outcome: "rejected", event: null });
    // The replay took event_type_unknown off the list, since "wish" is known by now.
    expect(records[0]!.rejects.map(({ reasons, resolution }) => [reasons, resolution])).toEqual([
        [["event_type_unknown", "product_id_missing", "price_negative"], "rejected"],
        [["product_id_missing", "price_negative"], null],
    ]);
    expect(records[0]!.verdicts).toContainEqual({ column: "price", value: "-1", reason: "price_negative" });
    expect(records[0]!.verdicts).toContainEqual({ column: "event_type", value: "wish", reason: null });
});

test("a record that could not be split: its text, line and byte", async () => {
    const { records } = await readTrace(api.sql, events, { file: "a.csv", record: 3 });

    expect(records[0]).toMatchObject({
        outcome: "rejected",
        rejects: [{ reasons: ["too_few_fields"], rawText: "only,two\u001b[2J", lineNo: 4 }],
        verdicts: null,
    });
    expect(
        formatTrace(
            { file: "a.csv", record: 3 },
            { asOf: "", stream: "events", stored: null, versions: [], absentFrom: null, records },
        ).join("\n"),
    ).not.toContain("\u001b");
});

test("a duplicate, an event found by where it came from, and one that a replay let in", async () => {
    const outcomeOf = async (record: number) =>
        (await readTrace(api.sql, events, { file: "a.csv", record })).records[0];

    expect(await outcomeOf(4)).toMatchObject({ outcome: "duplicate", event: null, rejects: [] });
    expect(await outcomeOf(1)).toMatchObject({ outcome: "inserted", event: { event_id: idOf(1) } });
    expect(await outcomeOf(5)).toMatchObject({
        outcome: "inserted",
        event: { event_id: idOf(3) },
        insertedBy: { kind: "replay" },
        rejects: [{ resolution: "inserted", resolvedBy: { kind: "replay" } }],
    });
    expect((await readTrace(api.sql, events, { file: "a.csv", record: 6 })).records).toEqual([]);
});

test("GET /v1/trace tells the same", async () => {
    const byId = await api.get(`/v1/trace?event_id=${idOf(1).toUpperCase()}`);
    const byPlace = await api.get("/v1/trace?file=a.csv&record=5");

    expect(byId.status).toBe(200);
    expect(byId.body.records).toEqual((await readTrace(api.sql, events, { key: { event_id: idOf(1) } })).records);
    expect(byPlace.body.records[0].insertedBy.kind).toBe("replay");
});

test.each([
    ["/v1/trace", 400, "invalid_parameter"],
    ["/v1/trace?file=a.csv", 400, "invalid_parameter"],
    [`/v1/trace?event_id=${idOf(1)}&file=a.csv`, 400, "invalid_parameter"],
    ["/v1/trace?event_id=x", 400, "invalid_parameter"],
    ["/v1/trace?file=a.csv&record=0", 400, "invalid_parameter"],
    [`/v1/trace?event_id=${idOf(77)}`, 404, "record_not_found"],
    ["/v1/trace?file=no.csv&record=1", 404, "record_not_found"],
])("%s should fail", async (path, status, code) => {
    const answer = await api.get(path);
    expect({ status: answer.status, code: answer.body.code }).toEqual({ status, code });
});

test("the command: by id and by file:record, 1 when nothing is kept, 2 when it is neither", async () => {
    const trace = (...args: string[]) => runScript("trace", [...args, "--database-url", api.database.url]);

    const byId = await trace(idOf(1));
    expect(byId).toMatchObject({ exitCode: 0, stderr: "" });
    expect(byId.stdout).toContain("record 1 of a.csv: inserted\n");
    expect(byId.stdout).toContain("record 1 of b.csv: conflict (event_id_conflict)\n");
    const byPlace = await trace("a.csv:3", "--json");
    expect(JSON.parse(byPlace.stdout).records[0].outcome).toBe("rejected");
    expect((await trace("a.csv:99")).exitCode).toBe(1);
    expect((await trace("neither")).exitCode).toBe(2);
});

test("the last colon of file:record counts", () => {
    expect(parseTraceSubject("a:b.csv:7", keyWordsOf(eventsStream))).toEqual({ file: "a:b.csv", record: 7 });
    expect(parseTraceSubject(idOf(1).toUpperCase(), keyWordsOf(eventsStream))).toEqual({ key: { event_id: idOf(1) } });
    for (const text of ["", "a.csv", "a.csv:", "a.csv:0", ":3", "a.csv:-1", "a.csv:x"]) {
        expect(parseTraceSubject(text, keyWordsOf(eventsStream))).toBeNull();
    }
});
