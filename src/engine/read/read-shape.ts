/** The shape of an open file: reads as much of it as its header takes. */
import type { FileShape, HeaderFault } from "./file-shape.ts";
import type { HeaderReader } from "./known-headers.ts";
import type { InputFile } from "./open-input.ts";
import type { HeaderOptions } from "./read-header.ts";

/** Nearly every header, and the first records. */
const probeBytes = 80 * 1024;

/** `takeTail`: a header without its line end counts. `options.maxRecordBytes` bounds what is read. */
export async function readShape(
    readHeader: HeaderReader,
    file: InputFile,
    takeTail: boolean,
    options: HeaderOptions,
): Promise<FileShape | HeaderFault> {
    for (let most = probeBytes; ; most *= 4) {
        const length = Math.min(file.sizeBytes, most);
        const isAll = length === file.sizeBytes;
        const shape = readHeader(await file.read(0, length), isAll && takeTail, options);
        if (isAll || !("problem" in shape) || shape.problem !== "header_unfinished") return shape;
    }
}
