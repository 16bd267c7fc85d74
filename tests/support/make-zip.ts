/** Zip archives for tests, written by the format's own text: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT */
import { crc32, deflateRawSync } from "node:zlib";

const utf8Mark = 0x800;

/** Deflated, in this order. */
export function makeZip(files: Readonly<Record<string, string | Uint8Array>>): Buffer {
    const bodies: Buffer[] = [];
    const directory: Buffer[] = [];
    let at = 0;
    for (const [name, text] of Object.entries(files)) {
        const content = Buffer.from(text as string);
        const packed = deflateRawSync(content);
        const nameBytes = Buffer.from(name);
        const common = Buffer.alloc(26);
        common.writeUInt16LE(20, 0);
        common.writeUInt16LE(utf8Mark, 2);
        common.writeUInt16LE(8, 4);
        common.writeUInt32LE(crc32(content), 10);
        common.writeUInt32LE(packed.length, 14);
        common.writeUInt32LE(content.length, 18);
        common.writeUInt16LE(nameBytes.length, 22);
        const body = Buffer.concat([Buffer.from("PK\x03\x04"), common, nameBytes, packed]);
        const rest = Buffer.alloc(14);
        rest.writeUInt32LE(at, 10);
        directory.push(Buffer.from("PK\x01\x02\x14\x00"), common, rest, nameBytes);
        bodies.push(body);
        at += body.length;
    }
    const list = Buffer.concat(directory);
    const end = Buffer.alloc(18);
    const count = Object.keys(files).length;
    end.writeUInt16LE(count, 4);
    end.writeUInt16LE(count, 6);
    end.writeUInt32LE(list.length, 8);
    end.writeUInt32LE(at, 12);
    return Buffer.concat([...bodies, list, Buffer.from("PK\x05\x06"), end]);
}
