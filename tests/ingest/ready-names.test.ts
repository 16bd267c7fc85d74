/** Which names are those of files to take. */
import { expect, test } from "bun:test";
import { isReadyName } from "../../src/streams/input-names.ts";

test.each([
    ["events.csv", true],
    ["EVENTS.CSV", true],
    ["two words, ünïcode '\"\n.csv", true],
    ["a.b.csv", true],
    [".hidden.csv", false],
    ["_SUCCESS.csv", false],
    [".csv", false],
    ["events.csv.tmp", false],
    ["events.csv.part", false],
    ["events.csv.partial", false],
    ["events.tmp", false],
    ["events.json", false],
    ["csv", false],
])("a file named %j is ready: %p", (name, isReady) => {
    expect(isReadyName(name)).toBe(isReady);
});

test.each([
    ["*.tsv", "a.tsv", true],
    ["*.tsv", "A.TSV.gz", true],
    ["*.tsv.gz", "a.tsv.gz", true],
    ["*.tsv.gz", "a.tsv", false],
    ["*.{csv,txt}", "a.txt", true],
    ["export-*.dat", "export-1.dat.zst", true],
    ["export-*.dat", "other.dat", false],
    ["access.log", "access.log", true],
    ["access_log", "access_log", true],
    ["*", "a.tsv", false],
    ["*.*", "a.tsv", false],
    ["orders*", "orders.xlsx", false],
    ["*.gz", "a.tar.gz", false],
    ["!*.csv", "a.tsv", false],
    ["*.part", "a.part", false],
    ["*.tsv", ".a.tsv", false],
    ["*.tsv", "a.tsv.tmp", false],
    ["*.tsv", "a.csv", true],
])("with a source for %j a file named %j is ready: %p", (match, name, isReady) => {
    expect(isReadyName(name, [{ match }])).toBe(isReady);
});
