import { describe, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { appendFileSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
    hashRange,
    InputChanged,
    InputFault,
    type InputFile,
    openInput,
    readIntoMemory,
    smallFileBytes,
} from "../../src/engine/read/open-input.ts";
import { makeFolder } from "../support/fixture.ts";

const folder = makeFolder();

async function put(name: string, content: string | Buffer): Promise<InputFile> {
    writeFileSync(join(folder, name), content);
    return await openInput(folder, name);
}

async function faultOf(name: string) {
    const error = await openInput(folder, name).then(
        () => null,
        (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(InputFault);
    return (error as InputFault).failure;
}

describe("opening", () => {
    test("should fail: a file that is gone waits until it is back", async () => {
        expect(await faultOf("gone.csv")).toMatchObject({ problem: "file_vanished", retryAfterMs: null });
    });

    test("should fail: a symbolic link is not followed, wherever it leads", async () => {
        writeFileSync(join(folder, "target.csv"), "x");
        symlinkSync(join(folder, "target.csv"), join(folder, "link.csv"));
        symlinkSync("/nowhere", join(folder, "dangling.csv"));
        for (const name of ["link.csv", "dangling.csv"]) {
            expect(await faultOf(name)).toMatchObject({ problem: "not_a_regular_file", retryAfterMs: null });
        }
    });

    test("should fail: a directory, and a FIFO that nobody writes to, without waiting for somebody", async () => {
        mkdirSync(join(folder, "directory.csv"));
        expect(Bun.spawnSync(["mkfifo", join(folder, "fifo.csv")]).exitCode).toBe(0);
        // A FIFO would block for ever: the test's time limit is the bound.
        for (const name of ["directory.csv", "fifo.csv"]) {
            expect(await faultOf(name)).toMatchObject({ problem: "not_a_regular_file", retryAfterMs: null });
        }
    });

    test("should fail: a name that cannot be, and is tried again later", async () => {
        expect(await faultOf(`${"x".repeat(300)}.csv`)).toMatchObject({ problem: "file_unreadable" });
    });
});

describe("reading", () => {
    test("gives exactly the bytes that were asked for", async () => {
        const file = await put("bytes.csv", "0123456789");
        expect((await file.read(3, 4)).toString()).toBe("3456");
        expect((await file.read(10, 0)).length).toBe(0);
        await file.close();
    });

    /** More than is held in memory. */
    const large = smallFileBytes + 10;

    test("should fail: bytes behind the end, which is how a truncated file shows", async () => {
        const file = await put("cut.csv", "0123456789".padStart(large, "-"));
        truncateSync(join(folder, "cut.csv"), large - 5);
        expect(await file.currentSize()).toBe(large - 5);
        await expect(file.read(large - 10, 10)).rejects.toBeInstanceOf(InputChanged);
        await expect(file.read(large - 2, 1)).rejects.toBeInstanceOf(InputChanged);
        expect((await file.read(large - 10, 5)).toString()).toBe("01234");
        await file.close();
    });

    test("a file is what it was when it was opened, and tells how large it has become", async () => {
        const file = await put("grows.csv", "01234".padStart(large, "-"));
        appendFileSync(join(folder, "grows.csv"), "56789");
        expect([file.seen.sizeBytes, await file.currentSize()]).toEqual([large, large + 5]);
        await file.close();
    });

    test("a small file is read when it is opened, and what becomes of it later does not show", async () => {
        const file = await put("small.csv", "0123456789");
        truncateSync(join(folder, "small.csv"), 5);
        expect((await file.read(0, 10)).toString()).toBe("0123456789");
        expect([file.seen.sizeBytes, await file.currentSize()]).toEqual([10, 10]);
        await file.close();
    });

    test("a file held in memory is the same, and its descriptor closed", async () => {
        const held = await readIntoMemory(await put("held.csv", "0123456789"));
        writeFileSync(join(folder, "held.csv"), "xxxxxxxxxxx");
        expect((await held.read(2, 3)).toString()).toBe("234");
        expect([held.seen.sizeBytes, await held.currentSize()]).toEqual([10, 10]);
        await held.close();
    });

    test("the hash of a range is the sha-256 of its bytes", async () => {
        const bytes = randomBytes(2_500_000);
        const file = await put("random.csv", bytes);
        for (const [first, end] of [
            [0, bytes.length],
            [0, 0],
            [7, 1_048_583],
            [1_000_000, 2_400_001],
        ] as const) {
            const expected = createHash("sha256").update(bytes.subarray(first, end)).digest("hex");
            expect(await hashRange(file, first, end)).toBe(expected);
        }
        await file.close();
    });
});
