import { expect, test } from "bun:test";
import { findDestination } from "../../src/server/page/views/find-destination.ts";
import { findView, titleOf } from "../../src/server/page/views/find-view.ts";
import { flowQuery, listQuery, parseRange } from "../../src/server/page/views/time-range.ts";
import { uuid } from "../../src/streams/types/uuid.ts";

const key = { ...uuid.typed!, name: "event_id" };
const id = "123e4567-e89b-12d3-a456-426614174000";

test.each([
    ["/", "overview", null, "Overview"],
    ["/files", "files", null, "Files"],
    ["/files/12", "file", "12", "File 12"],
    ["/batches/7", "batch", "7", "Batch 7"],
    ["/rejects/7", "reject", "7", "Reject 7"],
    ["/streams/my%20orders", "stream", "my orders", "my orders"],
    ["/streams/%E0%A4%A", "stream", "%E0%A4%A", "%E0%A4%A"],
    ["/lab", "lab", null, "Crash lab"],
] as const)("%s is the view %s of %p, called %s", (path, name, viewId, title) => {
    expect(findView(path)).toEqual({ name, id: viewId });
    expect(titleOf({ name, id: viewId })).toBe(title);
});

test.each(["/files/", "/files/0", "/files/-1", "/files/abc", "/files/1/2", "/trace/1", "/v1/files", "/overview", "//"])(
    "%s is no view",
    (path) => {
        expect(findView(path)).toBeNull();
    },
);

test.each([
    [id, "/trace", { q: id }],
    ["a/b.csv:12", "/trace", { q: "a/b.csv:12" }],
    [" orders ", "/files", { contains: "orders" }],
    ["events.csv", "/files", { contains: "events.csv" }],
    ["17", "/rejects/17", undefined],
    ["#17", "/rejects/17", undefined],
    ["Conflict #17", "/rejects/17", undefined],
    ["batch 3", "/batches/3", undefined],
    ["file 3", "/files/3", undefined],
])("a search for %p leads to %s", (text, path, query) => {
    expect(findDestination(text, key)).toEqual(query ? { path, query } : { path });
});

test("what may be a key of any form is one, unless it is called as a file; blanks lead nowhere", () => {
    expect(findDestination("A-17", "any")).toEqual({ path: "/trace", query: { q: "A-17" } });
    expect(findDestination("in/A-17", "any")).toEqual({ path: "/files", query: { contains: "in/A-17" } });
    expect(findDestination("A-17", null)).toEqual({ path: "/trace", query: { q: "A-17" } });
    expect(findDestination("  ", key)).toBeNull();
});

test("a range is a preset or two instants; what is neither is none", () => {
    const nowMs = Date.parse("2026-01-31T07:00:42Z");
    const rangeOf = (query: string) => parseRange(new URLSearchParams(query));
    expect(listQuery(rangeOf("range=1h"), nowMs)).toBe("&from=2026-01-31T06:00:00.000Z");
    expect(flowQuery(rangeOf("range=7d"), nowMs)).toBe("window=7d");
    expect(flowQuery(rangeOf(""), nowMs)).toBe("window=5m");
    const day = rangeOf("from=2026-01-01T00:00Z&to=2026-01-02T00:00:00%2B01:00");
    expect(listQuery(day, nowMs)).toBe("&from=2026-01-01T00:00:00.000Z&to=2026-01-01T23:00:00.000Z");
    expect(flowQuery(day, nowMs)).toBe("from=2026-01-01T00:00:00.000Z&to=2026-01-01T23:00:00.000Z");
    expect(flowQuery(rangeOf("to=2026-01-01T12:00:00Z"), nowMs)).toBe(
        "from=2026-01-01T11:00:00.000Z&to=2026-01-01T12:00:00.000Z",
    );
    expect([rangeOf("range=9y"), rangeOf("from=yesterday"), listQuery(null, nowMs)]).toEqual([null, null, ""]);
});
