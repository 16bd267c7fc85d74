/** Every parameter and body of every route in the OpenAPI document, with values that Postgres or a reader could choke on. */
import { beforeAll, beforeEach, expect, test } from "bun:test";
import { encodeCursor } from "../../src/server/api/listing.ts";
import type { Fault } from "../../src/server/api/to-problem.ts";
import { makeFolder } from "../support/fixture.ts";
import { runsOf } from "../support/sample.ts";
import { useApi } from "./api-fixture.ts";
import { readDocument } from "./check-conformance.ts";
import { insertChunk, insertFile } from "./seed-ledger.ts";

interface Parameter {
    name: string;
    in: "query" | "path" | "header";
    required?: boolean;
}

interface Operation {
    path: string;
    method: string;
    parameters: Parameter[];
    bodyTypes: string[];
    bodyProperties: string[];
}

const token = "t".repeat(32);
const authorization = { authorization: `Bearer ${token}` };
const faults: Fault[] = [];
let blamed: string[] = [];
// A lab without experiments: the lab's own are tested where they may break things.
const lab = { experiments: [], ingestPid: () => null, databasePid: () => null, runs: () => [], begin: () => null };
const api = useApi(import.meta.path, {
    onFault: (fault) => faults.push(fault),
    upload: { inputDir: makeFolder() },
    token,
    lab: lab as never,
});
let operations: Operation[];

beforeAll(async () => {
    await insertChunk(api.sql, await insertFile(api.sql, "a.csv"));
    operations = await readOperations();
});
beforeEach(() => {
    blamed = [];
});

const numbers = [
    ...["0", "-1", "1", "2147483647", "2147483648", "4294967296", "9007199254740991", "9007199254740992"],
    ...[
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551616",
        "1e300",
        "1e-9",
        "1.5",
        "NaN",
        "Infinity",
    ],
    ...["0x7f", "+5", " 5", "٥", "9".repeat(400)],
];
const instants = [
    ...[
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59.999999Z",
        "9999-12-31T23:59:59-14:00",
    ],
    ...["2026-01-01T00:00:00+23:59", "2026-01-01T00:00:00-23:59", "2026-01-01T00:00:00+16:00", "infinity", "now"],
    ...["294277-01-01T00:00:00Z", "2026-02-30T00:00:00Z", `2026-01-01T00:00:00.${"1".repeat(300)}Z`, "allballs"],
];
const texts = [
    ...["", "\0", "a\0b", "\u{d800}", "\u{fffe}\u{1f4a9}", "'; drop table events; --", "%", "\\", "{", "{}", "null"],
    ...["x".repeat(5000), "é".repeat(3000), "00000000-0000-0000-0000-000000000000", "{0}", "true", "minute"],
];
/** `encodeURIComponent` makes none of these: bytes that are no UTF-8, and halves of an escape. */
const rawTexts = ["%ff", "%c0%80", "%ed%a0%80", "%", "%zz", "%00", "a%00"];
const keys = [
    ...[0, -1, 1, 2 ** 31, 2 ** 53, 9.3e18, 1e300, 0.5, null, true, [], {}, "1", "\0"],
    ...["0000-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z", "00000000-0000-0000-0000-000000000000", "1:1:"],
    ...[
        "18446744073709551615:18446744073709551615:",
        "3:18446744073709551615:4",
        "18446744073709551615",
        "7-9999999999",
    ],
];
const lists = ["batches", "events", "files", "rejects", "stream"];

test("should fail, and never as our own fault, for every value of a query that no route can mean", async () => {
    for (const operation of operations.filter(({ method }) => method === "get")) {
        for (const parameter of operation.parameters.filter((candidate) => candidate.in === "query")) {
            for (const value of byTurns(encodedValues(parameter.name))) {
                await ask(operation, `${pathOf(operation)}?${restOf(operation, parameter)}${parameter.name}=${value}`);
            }
        }
    }
    expect(blamed).toEqual([]);
}, 300_000);

test("should fail, and never as our own fault, for every value of a path and of a header", async () => {
    for (const operation of operations.filter(({ method }) => method === "get")) {
        for (const parameter of operation.parameters) {
            if (parameter.in === "query") continue;
            for (const value of byTurns(encodedValues(parameter.name))) {
                if (parameter.in === "path") {
                    if (value !== "") await ask(operation, operation.path.replace(`{${parameter.name}}`, value));
                } else if (!value.includes("%")) {
                    await ask(operation, pathOf(operation), { [parameter.name]: value });
                }
            }
        }
    }
    expect(blamed).toEqual([]);
}, 300_000);

test("should fail for a body that is missing, empty, no JSON or of another type, and do nothing", async () => {
    // Notifications come as text, too: tests/api/notify.test.ts.
    const posts = operations.filter(({ bodyTypes }) => bodyTypes.join() === "application/json");
    expect(posts.map(({ path }) => path).toSorted()).toEqual([
        "/v1/ingest/pause",
        "/v1/ingest/resume",
        "/v1/lab/{experiment}",
        "/v1/rejects",
        "/v1/rejects/{id}",
        "/v1/replay",
        "/v1/replay/preview",
        "/v1/session",
    ]);
    const bodies: [string | undefined, string | undefined, number][] = [
        [undefined, undefined, 400],
        ["", undefined, 415],
        ["", "application/json", 400],
        ["null", "application/json", 400],
        ["[]", "application/json", 400],
        ["[{}]", "application/json", 400],
        ['"{}"', "application/json", 400],
        ["{", "application/json", 400],
        ["{} {}", "application/json", 400],
        ['{"__proto__": {"reason": "x"}}', "application/json", 400],
        ["{}", undefined, 415],
        ["{}", "text/plain", 415],
        ["{}", "application/jsonl", 415],
        ["{}", "application/problem+json", 415],
        ["{}", "text/json", 415],
        ["reason=x", "application/x-www-form-urlencoded", 415],
    ];
    for (const { path, method } of posts) {
        for (const [body, type, expected] of bodies) {
            const response = await api.app.request(path.replace("{experiment}", "none").replace("{id}", "1"), {
                method: method.toUpperCase(),
                headers: { ...authorization, ...(type === undefined ? {} : { "content-type": type }) },
                // As bytes: the type of a text would be filled in.
                ...(body === undefined ? {} : { body: new TextEncoder().encode(body) }),
            });
            expect([path, body, type, response.status]).toEqual([path, body, type, expected]);
        }
    }
});

test("should fail, and never as our own fault, for every value of a body", async () => {
    const values = [...keys, ...instants, ...texts, -0, [[]], { $ne: 1 }];
    for (const operation of operations.filter(({ bodyProperties }) => bodyProperties.length > 0)) {
        for (const property of operation.bodyProperties) {
            for (const value of byTurns(values)) {
                const body = JSON.stringify({
                    ...(operation.bodyProperties.includes("dryRun") && { dryRun: true }),
                    ...(operation.method === "patch" && { set: { price: "1" } }),
                    ...(operation.path === "/v1/rejects" && { reason: "price_invalid", stream: "events" }),
                    [property]: value,
                });
                await ask(operation, pathOf(operation), { "content-type": "application/json" }, body);
            }
        }
    }
    expect(blamed).toEqual([]);
}, 120_000);

/** Asks, and notes an answer that blames the API itself. */
async function ask(operation: Operation, path: string, headers = {}, body?: string): Promise<void> {
    const method = operation.method.toUpperCase();
    const init = { method, headers: { ...authorization, ...headers }, ...(body !== undefined && { body }) };
    const response = await api.app.request(path, init);
    // The stream would go on for ever.
    if (response.headers.get("content-type")?.startsWith("text/event-stream")) await response.body!.cancel();
    if (response.status < 500 && faults.length === 0) return;
    blamed.push(`${method} ${path.slice(0, 300)} ${body ?? ""}: ${response.status} ${faults.splice(0)[0]?.summary}`);
}

let parametersAsked = 0;

/** A sample takes every fourth, beginning one further with each parameter: no value is left out, and no parameter. */
function* byTurns<Value>(values: Iterable<Value>): Generator<Value> {
    const every = runsOf(1, 4);
    let turn = parametersAsked++;
    for (const value of values) if (turn++ % every === 0) yield value;
}

function* encodedValues(name: string): Generator<string> {
    const isCursor = ["cursor", "after", "last-event-id"].includes(name);
    yield* [...numbers, ...instants, ...texts].map((value) => encodeURIComponent(value.toWellFormed()));
    yield* rawTexts;
    if (!isCursor) return;
    for (const list of lists) {
        for (const first of keys) {
            yield encodeCursor(list, [first as never]);
            for (const second of keys) yield encodeCursor(list, [first as never, second as never]);
        }
        for (const key of keys) yield encodeCursor(list, ["7-1", "3:3:", "9:9:", key as never, key as never]);
    }
}

/** The other query parameters that it needs to get as far as the database. */
function restOf({ path }: Operation, { name }: Parameter): string {
    if (path !== "/v1/trace") return "";
    return { record: "file=a.csv&", file: "record=1&" }[name] ?? "";
}

function pathOf({ path }: Operation): string {
    return path.replace(/\{\w+\}/g, "1");
}

async function readOperations(): Promise<Operation[]> {
    const { paths } = (await readDocument(api.app, authorization)) as unknown as {
        paths: Record<string, Record<string, RawOperation>>;
    };
    return Object.entries(paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, { parameters = [], requestBody }]) => ({
            path,
            method,
            parameters,
            bodyTypes: Object.keys(requestBody?.content ?? {}),
            bodyProperties: Object.keys(requestBody?.content["application/json"]?.schema.properties ?? {}),
        })),
    );
}

interface RawOperation {
    parameters?: Parameter[];
    requestBody?: { content: Record<string, { schema: { properties?: Record<string, unknown> } }> };
}
