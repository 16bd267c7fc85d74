/** Questions that no route can mean: refused with a code and the parameter at fault, rather than answered as another one. */
import { expect, test } from "bun:test";
import { encodeCursor } from "../../src/server/api/listing.ts";
import { useApi } from "./api-fixture.ts";

const api = useApi(import.meta.path);
const instant = "2026-01-01T00:00:00.000000Z";
const uuid = "00000000-0000-0000-0000-000000000000";

const refusals: [string, string, string, string[]][] = [
    ["/v1/events?limit=", "invalid_parameter", "limit", ["0", "201", "-1", "1.5", "1e2", "", "ten", "0x10", "%20"]],
    ["/v1/events?limit=", "invalid_parameter", "limit", ["9".repeat(30), "2147483648"]],
    ["/v1/events?event_typ=", "unknown_parameter", "event_typ", ["view"]],
    ["/v1/events?user_id=", "invalid_parameter", "user_id", ["x".repeat(101), "a%00b"]],
    ["/v1/events?product_id=", "invalid_parameter", "product_id", [""]],
    ["/v1/events?event_type=", "invalid_parameter", "event_type", ["x".repeat(51)]],
    [
        "/v1/events?cursor=",
        "invalid_cursor",
        "cursor",
        [
            encodeCursor("batches", [5]),
            encodeCursor("events", [5]),
            encodeCursor("events", [instant, "no uuid"]),
            encodeCursor("events", ["infinity", uuid]),
            encodeCursor("events", ["2026-02-31T00:00:00.000000Z", uuid]),
            encodeCursor("events", ["0000-01-01T00:00:00.000000Z", uuid]),
            encodeCursor("events", [instant, uuid, 1]),
            encodeCursor("events", [`${instant}'; drop table events; --`, uuid]),
            ...["e30", "bnVsbA", "%00"],
        ],
    ],
    [
        "/v1/batches?cursor=",
        "invalid_cursor",
        "cursor",
        [[0], [-1], [1.5], ["1"], [], [1, 2], [Number.MAX_SAFE_INTEGER + 1]].map((key) => encodeCursor("batches", key)),
    ],
    ["/v1/batches/", "batch_not_found", "id", ["999999"]],
    ["/v1/batches/", "invalid_parameter", "id", ["0", "-1", "1.0", "1e3", "0x1", "abc", "%201", "1%3Bselect", "%00"]],
    ["/v1/batches/", "invalid_parameter", "id", ["9007199254740993", "9223372036854775808"]],
    ["/v1/batches/1?verbose=", "unknown_parameter", "verbose", ["1"]],
    ["/v1/files/", "file_not_found", "id", ["99999"]],
    ["/v1/files/", "invalid_parameter", "id", ["9007199254740992"]],
    ["/v1/files?state=", "invalid_parameter", "state", ["lost"]],
    ["/v1/rejects?kind=", "invalid_parameter", "kind", ["duplicate"]],
    ["/v1/flow?window=", "invalid_parameter", "window", ["8d"]],
    ["/v1/flow?to=", "invalid_parameter", "from", ["2026-01-01T00:00:00Z"]],
    ["/v1/flow?from=", "invalid_parameter", "from", ["9026-01-01T00:00:00Z"]],
    ["/v1/flow?from=", "range_too_wide", "from", ["2001-01-01T00:00:00Z"]],
    ["/v1/batches?from=2026-01-02T00:00:00Z&to=", "invalid_parameter", "to", ["2026-01-01T00:00:00Z"]],
    ["/v1/batches?file=", "invalid_parameter", "file", ["a.csv"]],
    ["/v1/rejects/", "reject_not_found", "id", ["999999"]],
    ["/v1/stats?bucket=", "invalid_parameter", "bucket", ["week", "day&bucket=hour"]],
    ["/v1/stats?from=", "invalid_parameter", "from", ["yesterday", "2026-01-01", "2026-13-01T00:00:00Z"]],
    ["/v1/stats?from=", "invalid_parameter", "from", ["2026-01-01T00:00:00", "2026-01-01T00:00:00%2B23:59"]],
    ["/v1/stats?to=", "invalid_parameter", "to", ["2026-01-01T00:00:00Z%27%3B--", "0000-01-01T00:00:00Z"]],
    ["/v1/stats?from=2026-01-02T00:00:00Z&to=", "invalid_parameter", "to", ["2026-01-01T00:00:00Z"]],
    ["/v1/stats?from=2026-01-01T00:00:00Z&to=", "invalid_parameter", "to", ["2026-01-01T00:00:00Z"]],
    ["/v1/stats?event_type=", "invalid_parameter", "event_type", ["", "a%00b"]],
    ["/v1/stats/top-products?by=", "invalid_parameter", "by", ["price", "revenue;drop"]],
    ["/v1/stats/top-products?days=", "invalid_parameter", "days", ["0", "36", "1.5"]],
    ["/v1/stats/top-products?limit=", "invalid_parameter", "limit", ["201"]],
    ["/v1/stats/funnel?days=", "invalid_parameter", "days", ["-1"]],
];

test.each(refusals)("should fail: GET %s… is %s of %s", async (address, code, parameter, values) => {
    for (const value of values) {
        const { status, body } = await api.get(`${address}${value}`);
        const expected = code.endsWith("_not_found") ? 404 : 400;
        expect([value, status, body.code, body.parameter]).toEqual([value, expected, code, parameter]);
    }
});

test.each([
    ["price_negativ", "Did you mean price_negative?"],
    ["PRICE_NEGATIVE", "Did you mean price_negative?"],
    ["{price_negative}", "Did you mean price_negative?"],
    ["bogus", "There are event_id_missing, "],
    ['a"%2Cb\\', "There are event_id_missing, "],
    ["", "must not be empty"],
])("should fail: the reason %p does not exist, and an empty list would look like good news", async (reason, said) => {
    const { status, body } = await api.get(`/v1/rejects?reason=${reason}`);
    expect([status, body.code, body.parameter]).toEqual([400, "invalid_parameter", "reason"]);
    expect(body.detail).toContain(said);
});
