/** What a path says of columns, as Hive and Spark write it. */
import { expect, test } from "bun:test";
import { readPathValues } from "../../src/streams/path-values.ts";

test.each<[string, string[], Record<string, string | null>]>([
    ["in/day=2026-05-01/a.csv", ["day"], { day: "2026-05-01" }],
    ["s3://drops/in/Day=1/hour=07/a.csv.gz", ["day", "hour"], { day: "1", hour: "07" }],
    ["day=1/x/day=1/other=2/a.csv", ["day"], { day: "1" }],
    ["city=S%C3%A3o%20Paulo%2FBR/a.csv", ["city"], { city: "São Paulo/BR" }],
    ["rate=100%/odd%3Dname=a%zz%00%ff=b/a.csv", ["rate", "odd=name"], { rate: "100%", "odd=name": "a%zz%00%ff=b" }],
    ["day=__HIVE_DEFAULT_PARTITION__/word=/a.csv", ["day", "word"], { day: null, word: "" }],
])("%s", (path, columns, values) => {
    expect(readPathValues(columns, path)).toEqual({ found: values });
});

test.each<[string, "partition_missing" | "partition_ambiguous"]>([
    ["a.csv", "partition_missing"],
    ["in/day/=1/a.csv", "partition_missing"],
    ["in/day=1.csv", "partition_missing"],
    ["day=1/day=2/a.csv", "partition_ambiguous"],
    ["day=__HIVE_DEFAULT_PARTITION__/DAY=/a.csv", "partition_ambiguous"],
])("should fail: %s", (path, problem) => {
    expect(readPathValues(["day"], path)).toEqual({ fault: { problem, detail: expect.stringContaining(path) } });
});
