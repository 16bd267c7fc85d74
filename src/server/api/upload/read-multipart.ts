/**
 * The first file of a multipart/form-data body, streamed: Bun's own formData() holds the whole body in memory.
 * https://www.rfc-editor.org/rfc/rfc7578, https://www.rfc-editor.org/rfc/rfc2046#section-5.1
 */
import { Problem } from "../problem.ts";

export interface FilePart {
    fileName: string;
    content: AsyncIterable<Uint8Array>;
}

const maxHeaderBytes = 16_384;

/** Fields before the file are passed over; what comes after it is not read. @throws Problem invalid_body */
export async function readFilePart(body: AsyncIterable<Uint8Array>, boundary: string): Promise<FilePart> {
    const source = createSource(body);
    const delimiter = Buffer.from(`\r\n--${boundary}`);
    // The first delimiter may stand at the very beginning, without a line end before it.
    source.unread(Buffer.from("\r\n"));
    await drain(source.until(delimiter));
    for (;;) {
        const fileName = fileNameOf(await readHeader(source));
        const content = source.until(delimiter);
        if (fileName !== undefined) return { fileName, content };
        await drain(content);
    }
}

/** From behind a delimiter to behind the empty line that ends the part's header. */
async function readHeader(source: Source): Promise<string> {
    const bytes: Buffer[] = [];
    let length = 0;
    for await (const piece of source.until(Buffer.from("\r\n\r\n"))) {
        bytes.push(Buffer.from(piece));
        length += piece.length;
        if (length > maxHeaderBytes) throw invalid("The header of a part is too long.");
    }
    const text = Buffer.concat(bytes).toString("utf8");
    if (text.startsWith("--")) throw invalid("It holds no file.");
    return text;
}

function fileNameOf(header: string): string | undefined {
    const line = /^content-disposition:[^\r\n]*$/im.exec(header)?.[0] ?? "";
    const match = /;\s*filename="((?:[^"\\]|\\.)*)"/i.exec(line) ?? /;\s*filename=([^;\s]+)/i.exec(line);
    return match?.[1]?.replace(/\\(.)/g, "$1");
}

interface Source {
    /** Everything before the mark; what follows the mark is next. @throws Problem when the body ends before it */
    until(mark: Buffer): AsyncIterable<Uint8Array>;
    unread(bytes: Buffer): void;
}

function createSource(body: AsyncIterable<Uint8Array>): Source {
    const pieces = body[Symbol.asyncIterator]();
    let held = Buffer.alloc(0);
    return {
        unread: (bytes) => {
            held = Buffer.concat([bytes, held]);
        },
        async *until(mark) {
            for (;;) {
                const at = held.indexOf(mark);
                if (at >= 0) {
                    const before = held.subarray(0, at);
                    held = held.subarray(at + mark.length);
                    if (before.length > 0) yield before;
                    return;
                }
                // The mark may have begun in the last bytes.
                const safe = Math.max(0, held.length - mark.length + 1);
                if (safe > 0) yield held.subarray(0, safe);
                const next = await pieces.next();
                if (next.done) throw invalid("It ends before its last boundary.");
                held = Buffer.concat([held.subarray(safe), next.value]);
            }
        },
    };
}

async function drain(bytes: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const _ of bytes);
}

function invalid(detail: string): Problem {
    return new Problem({ code: "invalid_body", detail });
}
