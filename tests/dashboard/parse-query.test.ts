import { expect, test } from "bun:test";
import { parseTraceQuery } from "../../src/server/page/trace/parse-query.ts";
import { uuid } from "../../src/streams/types/uuid.ts";

const key = { ...uuid.typed!, name: "event_id" };

test("an event id in any case is one, and what ends in a number is a file and a record", () => {
    const id = "123e4567-e89b-12d3-a456-426614174000";
    expect(parseTraceQuery(` ${id.toUpperCase()} `, key)).toEqual({ path: `/v1/trace?event_id=${id}` });
    expect(parseTraceQuery("events.csv:12", key)).toEqual({ path: "/v1/trace?file=events.csv&record=12" });
    expect(parseTraceQuery("a:b & c.csv:7", key)).toEqual({ path: "/v1/trace?file=a%3Ab%20%26%20c.csv&record=7" });
});

test.each(["", "events.csv", "events.csv:", "events.csv:0", ":3", "123e4567"])("%p is neither", (text) => {
    expect(parseTraceQuery(text, key)).toHaveProperty("fault");
});
