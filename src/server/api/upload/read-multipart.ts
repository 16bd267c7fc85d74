/** The first file of a multipart/form-data body, streamed: Bun's own formData() holds the whole body in memory. */
import { Readable } from "node:stream";
import { Busboy } from "@fastify/busboy";
import { Problem } from "../problem.ts";

export interface FilePart {
    fileName: string;
    content: AsyncIterable<Uint8Array>;
}

/**
 * Fields before the file are passed over; what comes after it is not read. `contentType` names the boundary.
 * @throws Problem invalid_body, and from `content` when the body is cut off
 */
export async function readFilePart(body: AsyncIterable<Uint8Array>, contentType: string): Promise<FilePart> {
    const source = Readable.from(body);
    try {
        return await new Promise<FilePart>((resolve, reject) => {
            // A path in the name is kept, for chooseUploadName to refuse.
            const parser = new Busboy({ headers: { "content-type": contentType }, preservePath: true });
            source.once("error", reject);
            parser.once("error", reject);
            parser.once("finish", () => reject(invalid("The body has no file.")));
            parser.once("file", (_field, file, fileName) => {
                // It says what is wrong by an event alone, perhaps before anybody reads: kept until somebody does.
                file.on("error", (error) => file.destroy(error));
                source.once("error", (error) => file.destroy(error));
                parser.once("error", () => file.destroy());
                file.once("close", () => source.destroy());
                resolve({ fileName, content: explainFaults(file) });
            });
            source.pipe(parser);
        });
    } catch (error) {
        source.destroy();
        throw toProblem(error);
    }
}

async function* explainFaults(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
        yield* content;
    } catch (error) {
        throw toProblem(error);
    }
}

function toProblem(error: unknown): Problem {
    if (error instanceof Problem) return error;
    return invalid(error instanceof Error ? `${error.message}.` : "The body cannot be read.", error);
}

function invalid(detail: string, cause?: unknown): Problem {
    return new Problem("invalid_body", detail, { cause });
}
