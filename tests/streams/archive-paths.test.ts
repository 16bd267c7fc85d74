import { describe, expect, test } from "bun:test";
import { claims, createRouter } from "../../src/streams/route-files.ts";
import { fits } from "../../src/streams/source-of.ts";

describe("whose a file in an archive is", () => {
    test.each([
        ["orders-*.csv", "a.zip!/orders-1.csv", true],
        ["orders-*.csv", "a.zip!/2026/01/orders-1.csv", true],
        ["orders-*.csv", "in/a.zip!/orders-1.csv", false],
        ["in/orders-*.csv", "in/a.zip!/x/orders-1.csv.gz", true],
        ["in/*.csv", "in/a.zip!/notes.txt", false],
        ["a*.zip", "a.zip!/x/any.csv", true],
        ["a*.zip", "a.zip!/x/notes.txt", false],
        ["a*.zip", "b.zip!/any.csv", false],
        ["a*.zip!/x/*.csv", "A.ZIP!/x/any.csv", true],
        ["a*.zip!/x/*.csv", "a.zip!/any.csv", false],
        ["a*.zip!/**/*.tsv", "a.zip!/x/any.tsv", true],
        ["s3://drops/in/orders-*.csv", "s3://drops/in/a.zip!/orders-1.csv", true],
        ["s3://drops/in/**/*.zip", "s3://drops/in/x/a.zip!/y/any.csv", true],
    ])("%s: %s %p", (files, path, isTaken) => expect(claims(files, path)).toBe(isTaken));

    test("a source's match is compared in the same way; of an archive that cannot be read the first that may take of it answers", () => {
        expect(fits("orders-*", "a.zip!/x/orders-1.csv")).toBe(true);
        const streams = [
            { name: "deep", files: "x/*.csv" },
            { name: "orders", files: "orders-*.csv" },
            { name: "rest", files: null },
        ];
        const router = createRouter(streams, (path) => !path.includes("/"));
        expect(router.claimOf("a.zip").stream).toBe("orders");
        expect(router.claimOf("x/a.zip").stream).toBe("deep");
        expect(router.claimOf("y/a.zip").stream).toBeNull();
        expect(router.claimOf("a.zip!/any.csv").stream).toBe("rest");
        expect(router.mayTakeIn("a.zip")).toEqual(["orders", "rest"]);
    });
});
