/** `GET /v1/trace` */
import { keyWordsOf, parseTraceSubject } from "../../../operations/parse-trace-subject.ts";
import { readTrace, type TraceSubject } from "../../../operations/read-trace.ts";
import { keyColumnsOf } from "../../../operations/streams/describe-contract.ts";
import type { KnownStream } from "../../../operations/streams/read-streams.ts";
import { traceSchema } from "../../../operations/trace-schema.ts";
import type { Stream } from "../../../streams/stream.ts";
import { addGetRoute } from "../get-route.ts";
import { Problem } from "../problem.ts";
import type { Api, Context } from "../route-types.ts";
import { idParameterSchema, textSchema } from "../shapes.ts";
import { streamParameter } from "../streams/stream-list.ts";

/** `builtIn`: the stream of whoever names none. */
export function addTraceRoutes(app: Api, context: Context, builtIn: Stream): void {
    const { name, type } = builtIn.key!;
    const { typed } = type;
    const keySchema = textSchema(typed?.mostCharacters ?? 0)
        .refine((text) => typed?.form.test(text), `must be ${typed?.description}`)
        .optional();
    addGetRoute(app, context, {
        path: "/v1/trace",
        summary: `Trace a record by ${name}, or by file and record; in another stream, by stream and key`,
        query: {
            ...(typed && { [name]: keySchema }),
            stream: streamParameter.openapi({
                description: `The stream of the record (default: ${builtIn.name}).`,
                example: "orders",
            }),
            key: textSchema(4096).optional().openapi({
                description: "`column=value`, separated by commas; for a key of one column, only the value.",
                example: "order_id=7,line=2",
            }),
            file: textSchema(4096).optional().openapi({ description: "A path relative to the watched folder." }),
            record: idParameterSchema.optional(),
        },
        answer: { description: "The trace", schema: traceSchema },
        toQuestion: (parameters) => questionOf(name, parameters),
        async read(_, { stream: asked, ...question }) {
            const stream = (await context.streams.find(asked ?? builtIn.name))!;
            const subject = "text" in question ? subjectOf(question.text, stream, builtIn) : question.subject;
            if ("key" in subject && question.isBuiltIn && stream.streamId !== builtIn.id) throw notItsKey(name, stream);
            const trace = await readTrace(context.reader.sql, stream, subject);
            const { records, stored, versions, absentFrom } = trace;
            const isKnown = records.length > 0 || stored !== null || versions.length > 0 || absentFrom !== null;
            return isKnown ? trace : undefined;
        },
        missing: { code: "record_not_found", detail: "There is no row and no reject of it." },
    });
}

interface TraceParameters {
    stream?: string | undefined;
    key?: string | undefined;
    file?: string | undefined;
    record?: number | undefined;
}

type Question = { stream: string | undefined; isBuiltIn: boolean } & ({ text: string } | { subject: TraceSubject });

function questionOf(name: string, query: TraceParameters): Question {
    const { [name]: builtInKey, stream, key, file, record } = query as TraceParameters & Record<string, unknown>;
    const given = [builtInKey, key, file ?? record].filter((value) => value !== undefined);
    if (given.length === 1 && typeof builtInKey === "string") {
        return { stream, isBuiltIn: true, subject: { key: { [name]: builtInKey.toLowerCase() } } };
    }
    if (given.length === 1 && key !== undefined) return { stream, isBuiltIn: false, text: key };
    if (given.length === 1 && file !== undefined && record !== undefined) {
        return { stream, isBuiltIn: false, subject: { file, record } };
    }
    throw new Problem("invalid_parameter", `Give \`${name}\` alone, or \`key\`, or \`file\` and \`record\`.`, {
        parameter: builtInKey === undefined && file !== undefined ? "record" : name,
    });
}

function subjectOf(text: string, stream: KnownStream, builtIn: Stream): TraceSubject {
    const words = stream.streamId === builtIn.id ? keyWordsOf(builtIn) : { columns: keyColumnsOf(stream), form: null };
    const subject = parseTraceSubject(text, words);
    if (subject !== null && "key" in subject) return subject;
    // A value that looks like a place in a file is the whole value here.
    if (words.form === null && words.columns.length === 1) return { key: { [words.columns[0]!]: text } };
    if (words.columns.length === 0) {
        const detail = `\`key\`: ${stream.name} has no key. Give \`file\` and \`record\`.`;
        throw new Problem("invalid_parameter", detail, { parameter: "key" });
    }
    const wanted = words.columns.map((column) => `${column}=…`).join(",");
    throw new Problem("invalid_parameter", `\`key\`: it must be ${wanted}.`, { parameter: "key" });
}

function notItsKey(name: string, { name: stream }: KnownStream): Problem {
    return new Problem("invalid_parameter", `\`${name}\`: ${stream} is asked by \`key\`.`, { parameter: name });
}
