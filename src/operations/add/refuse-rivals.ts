/** Streams that are declared already, and would have the new one's name or files. */
import { join } from "node:path";
import { streamsFolder } from "../../environment.ts";
import { exitCodes, SluiceError } from "../../errors.ts";
import { isSameTable, loadStreams } from "../../streams/load-streams.ts";
import { claims } from "../../streams/route-files.ts";

export interface NewStream {
    name: string;
    files: string;
    /** Its table; null: a new one is made. */
    table: string | null;
    /** A file that it takes, as the watched folder names it; null: none is known. */
    example: string | null;
}

/** @throws SluiceError `stream_exists`, `table_shared` or `stream_ambiguous` */
export async function refuseRivals({ name, files, table, example }: NewStream, builtIn: string): Promise<void> {
    const streams = await loadStreams([builtIn]);
    const refuse = (code: string, what: string, remedy: string) =>
        new SluiceError({ code, what, remedy, from: "the command line", exitCode: exitCodes.usage });
    if (name === builtIn || streams.some((stream) => stream.name === name)) {
        throw refuse("stream_exists", `The stream ${name} exists already.`, "Give another name: --name orders_2.");
    }
    const owner = table === null ? undefined : streams.find((stream) => isSameTable(stream.table, table));
    if (owner !== undefined) {
        throw refuse(
            "table_shared",
            `The stream ${owner.name} loads into ${table} already, and a table belongs to one stream.`,
            `Let \`files\` in ${join(streamsFolder(), `${owner.name}.ts`)} match these files too, or use another table.`,
        );
    }
    const rival = streams.find(
        (stream) => stream.files === files || (example !== null && claims(stream.files, example)),
    );
    if (rival === undefined) return;
    throw refuse(
        "stream_ambiguous",
        `The stream ${rival.name} takes these files already (${rival.files}).`,
        "Name the files of the new one (--files 'orders-*.csv'), or change the other's in its file.",
    );
}
