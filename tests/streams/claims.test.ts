/** Whose file a name is, by the globs of the streams. */
import { expect, test } from "bun:test";
import { claims, createRouter, mayHoldFiles } from "../../src/streams/route-files.ts";

test.each<[files: string, path: string, isClaimed: boolean]>([
    ["orders-*.csv", "orders-1.csv", true],
    ["orders-*.csv", "Orders-1.CSV", true],
    ["orders-*.csv", "orders-1.csv.gz", true],
    ["orders-*.csv.gz", "orders-1.csv", false],
    ["orders-*.csv", "eu/orders-1.csv", false],
    ["inbox/**/*.csv", "inbox/1.csv", true],
    ["inbox/**/*.csv", "inbox/a/b/1.csv.zst", true],
    ["inbox/**/*.csv", "outbox/1.csv", false],
    ["*/orders/*.csv.gz", "eu/orders/1.csv.gz", true],
    ["*/orders/*.csv.gz", "orders/1.csv.gz", false],
    ["*", "readme.txt", false],
    ["*", "a.csv", true],
    ["*", "x/a.csv", false],
    ["**", "x/y/a.csv", true],
    ["**", "x/y/a.txt", false],
    ["*.tsv", "a.tsv", true],
    ["caf\u00e9-*.csv", "cafe\u0301-1.csv", true],
])("%s and %s: %p", (files, path, isClaimed) => {
    expect(claims(files, path)).toBe(isClaimed);
});

test.each<[files: string, folder: string, isListed: boolean]>([
    ["orders-*.csv", "inbox", false],
    ["inbox/**/*.csv", "inbox", true],
    ["inbox/**/*.csv", "inbox/a/b/c", true],
    ["inbox/**/*.csv", "other", false],
    ["*/orders/*.csv", "eu", true],
    ["*/orders/*.csv", "eu/orders", true],
    ["*/orders/*.csv", "eu/returns", false],
    ["*/orders/*.csv", "eu/orders/old", false],
    ["{a/b,c}/*.csv", "a", true],
    ["**", "any/where", true],
])("%s asks for the folder %s: %p", (files, folder, isListed) => {
    expect(mayHoldFiles(files, folder)).toBe(isListed);
});

test("of several that claim a file the first in name order answers for it", () => {
    const router = createRouter(
        [
            { name: "zebra", files: "a*.csv" },
            { name: "ant", files: "*1.csv" },
            { name: "events", files: null },
        ],
        () => true,
    );
    expect(router.claimOf("a1.csv")).toEqual({ stream: "ant", rivals: ["ant", "zebra"] });
    expect(router.claimOf("b1.csv")).toEqual({ stream: "ant", rivals: null });
    expect(router.claimOf("b2.csv")).toEqual({ stream: "events", rivals: null });
});
