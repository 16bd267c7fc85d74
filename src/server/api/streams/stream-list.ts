/** The streams by name, for every route that takes one. */
import { findStream, type KnownStream, readStreams } from "../../../operations/streams/read-streams.ts";
import { sharedForMs } from "../get-route.ts";
import { Problem } from "../problem.ts";
import type { Reader } from "../reader.ts";
import { textSchema } from "../shapes.ts";

export const streamParameter = textSchema(200)
    .optional()
    .openapi({ description: "Only of this stream; GET /v1/streams lists them.", example: "orders" });

export interface StreamList {
    all(): Promise<KnownStream[]>;
    /** Undefined when no name is given. @throws Problem when there is no such stream, with the names there are */
    find(name: string | undefined, code?: "invalid_parameter" | "invalid_body"): Promise<KnownStream | undefined>;
    idOf(name: string | undefined): Promise<number | undefined>;
}

export function createStreamList(reader: Reader): StreamList {
    const all = () => reader.share("streams", sharedForMs.live, () => readStreams(reader.sql));
    const find: StreamList["find"] = async (name, code = "invalid_parameter") => {
        if (name === undefined) return undefined;
        const found = findStream(await all(), name);
        if ("stream" in found) return found.stream;
        throw new Problem(code, `\`stream\`: ${found.problem}`, { parameter: "stream" });
    };
    return { all, find, idOf: async (name) => (await find(name))?.streamId };
}
