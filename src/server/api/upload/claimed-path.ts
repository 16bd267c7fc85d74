/** The path of an upload in the watched folder, so that the stream it is for claims it. Pure. */
import { createHash, randomUUID } from "node:crypto";
import type { KnownStream } from "../../../operations/streams/read-streams.ts";
import { claims, createRouter } from "../../../streams/route-files.ts";
import { Problem } from "../problem.ts";
import { chooseUploadName, stemOf } from "./upload-name.ts";

type Claiming = Pick<KnownStream, "name" | "files" | "isActive">;

interface Upload {
    /** The Idempotency-Key. */
    key: string | undefined;
    clientName: string | undefined;
    /** Null: whichever claims the name. */
    stream: Claiming | null;
    streams: readonly Claiming[];
}

/** @throws Problem invalid_file_name when the stream would not take the client's name, with the one that would */
export function chooseUploadPath({ key, clientName, stream, streams }: Upload): {
    path: string;
    stream: string | null;
} {
    if (stream === null || stream.files === null) {
        const path = chooseUploadName(key, clientName);
        const claimant = claimantOf(path, streams);
        if (stream !== null && claimant !== stream.name) throw notClaimed(stream, claimant);
        return { path, stream: claimant };
    }
    const id = key === undefined ? randomUUID() : createHash("sha256").update(key).digest("hex").slice(0, 32);
    const folder = folderOf(stream.files);
    if (clientName !== undefined) {
        const stem = stemOf(clientName);
        const asSent = folder + clientName;
        if (!claims(stream.files, asSent))
            throw notClaimed(stream, claimantOf(asSent, streams) ?? claimantOf(clientName, streams));
        const path = `${folder}${stem}_${id}.csv`;
        if (key === undefined && claimantOf(path, streams) === stream.name) return { path, stream: stream.name };
    }
    const path = fillIn(stream.files, `upload_${id}`);
    if (!path.includes(id)) {
        // Two uploads of one name: the second would be taken for the first, and not be written.
        const detail = `${stream.name} takes ${stream.files} alone, and each upload gets a name of its own: put the file there yourself.`;
        throw new Problem("invalid_file_name", detail, { parameter: "stream" });
    }
    const claimant = claimantOf(path, streams);
    if (claimant !== stream.name) throw notClaimed(stream, claimant);
    return { path, stream: stream.name };
}

/** Null when none or several claim it: then none of them reads it. */
function claimantOf(path: string, streams: readonly Claiming[]): string | null {
    const router = createRouter(
        streams.filter(({ isActive }) => isActive),
        (name) => !name.includes("/"),
    );
    const { stream, rivals } = router.claimOf(path);
    return rivals === null ? stream : null;
}

/** The folders that a glob names without a wildcard, with the last slash. */
function folderOf(files: string): string {
    const folders = files.split("/").slice(0, -1);
    const open = folders.findIndex((name) => /[*?[\]{}!\\]/.test(name));
    const named = open === -1 ? folders : folders.slice(0, open);
    if (named.includes("..") || files.startsWith("/"))
        throw new Problem("invalid_file_name", `Uploads cannot be written to the place of ${files}.`);
    return named.map((name) => `${name}/`).join("");
}

/** A name that the glob takes, where one can be made by putting `name` in place of its first wildcard. */
function fillIn(files: string, name: string): string {
    const last = files.split("/").at(-1)!;
    const filled = last.replace("*", name).replaceAll("*", "");
    return folderOf(files) + (filled.includes(".") ? filled : `${filled}.csv`);
}

function notClaimed({ name, files }: Claiming, claimant: string | null): Problem {
    const own = files === null ? `${name} takes what no other stream claims` : `${name} takes ${files}`;
    const other = claimant === null || claimant === name ? "" : ` ${claimant} would take this one.`;
    return new Problem("invalid_file_name", `${own}, and not this name.${other}`, { parameter: "filename" });
}
