/** Whatever bytes an archive has: it is read, or it is a fault of the file, and nothing else. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { InputFault, inMemory } from "../../src/engine/read/open-input.ts";
import { readDirectory } from "../../src/engine/read/zip/read-directory.ts";
import { memberBytes, requireMember } from "../../src/engine/read/zip/read-member.ts";
import { makeZip } from "../support/make-zip.ts";

const files = { "a.csv": "no,word\n1,one\n".repeat(20), "in/b.csv": "no,word\n2,two\n", "nested.zip": "PK" };
const whole = makeZip(files);
const limits = { maxExpandedBytes: 1_000_000, maxExpansionRatio: 1_000 };
const seen = (sizeBytes: number) => ({ sizeBytes, mtimeNs: "0", ctimeNs: "0", inode: "0" });

function fileOf(bytes: Buffer) {
    const facts = {
        seen: seen(bytes.length),
        sizeBytes: bytes.length,
        isCompressed: false,
        encoding: "utf-8",
    } as const;
    return inMemory(facts, bytes, bytes.length);
}

/** What can be read, by name. A member that cannot is left out. @throws InputFault */
async function readAll(bytes: Buffer): Promise<Record<string, string>> {
    const file = fileOf(bytes);
    const directory = await readDirectory(file);
    const read: Record<string, string> = {};
    for (const name of directory.members.keys()) {
        const content = await contentOf(name).catch((error) => {
            if (!(error instanceof InputFault)) throw error;
            return null;
        });
        if (content !== null) read[name] = content;
    }
    return read;

    async function contentOf(name: string): Promise<string> {
        const member = requireMember({ directory, name }, bytes.length, limits);
        const pieces: Uint8Array[] = [];
        for await (const piece of memberBytes(file, member, limits)) pieces.push(piece);
        return Buffer.concat(pieces).toString();
    }
}

test("as it was written; with zeros behind it; in an archive is none", async () => {
    const { "nested.zip": _, ...readable } = files;
    expect(await readAll(whole)).toEqual(readable);
    expect(await readAll(Buffer.concat([whole, Buffer.alloc(10_240)]))).toEqual(readable);
});

test("a name or a size that the ledger could not keep is a fault of its file, and harms no other", async () => {
    const long = `${"x/".repeat(20_000)}long.csv`;
    const bytes = makeZip({ [long]: "no\n1\n", "a.csv": "no\n1\n", "b.csv": "no\n2\n" });
    // The size of b.csv in the directory: at byte 24 of its entry.
    bytes.writeUInt32LE(0xfffffff0, bytes.lastIndexOf("PK\x01\x02", bytes.length, "latin1") + 24);
    const members = [...(await readDirectory(fileOf(bytes))).members.values()];
    expect(members.map(({ fault }) => fault?.problem ?? null)).toEqual(["file_name_invalid", null, "archive_corrupt"]);
    expect(Buffer.byteLength(members[0]!.name)).toBeLessThan(200);
    expect(members[0]!.name).toEndWith(".csv");
    expect(members[2]!.sizeBytes).toBeLessThanOrEqual(bytes.length);
});

test("some bytes changed, or cut: what is read is what was written, the rest is a fault", async () => {
    const change = fc.record({ at: fc.nat({ max: whole.length - 1 }), byte: fc.nat({ max: 255 }) });
    const changed = fc.record({ changes: fc.array(change, { maxLength: 4 }), kept: fc.nat({ max: 2 * whole.length }) });
    await fc.assert(
        fc.asyncProperty(changed, async ({ changes, kept }) => {
            const bytes = Buffer.from(whole.subarray(0, kept));
            for (const { at, byte } of changes) if (at < bytes.length) bytes[at] = byte;
            const read = await readAll(bytes).catch((error) => {
                if (!(error instanceof InputFault)) throw error;
                return {};
            });
            // Under another name perhaps: the checksum is of the content.
            for (const content of Object.values(read)) expect(Object.values(files) as string[]).toContain(content);
        }),
        { numRuns: 1_500 },
    );
});
