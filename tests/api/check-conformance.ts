/**
 * Holds every answer to /openapi.json, with the closed reading: a property that the document does not name is a fault
 * too. The check is a JSON Schema validator's, which knows nothing of how the document was made.
 */
import Ajv from "ajv/dist/2020";
import addFormats from "ajv-formats";
import type { Api } from "../../src/server/api/route-types.ts";
import type { Answer } from "./api-fixture.ts";

type Schema = Record<string, unknown>;

interface Document {
    paths: Record<
        string,
        Record<string, { responses: Record<string, { content?: Record<string, { schema: Schema }> }> }>
    >;
    components: { schemas: Record<string, Schema> };
}

export async function readDocument(app: Api, headers: Record<string, string> = {}): Promise<Document> {
    return (await (await app.request("/openapi.json", { headers })).json()) as Document;
}

export async function createConformanceCheck(app: Api) {
    const document = await readDocument(app);
    const ajv = new Ajv({ strict: false, allErrors: true });
    addFormats(ajv);
    const schemas = Object.entries(document.components?.schemas ?? {});
    // A component that others extend is closed where it is used, not where it is defined.
    ajv.addSchema({
        $id: "sluice",
        components: { schemas: Object.fromEntries(schemas.map(([name, schema]) => [name, closeInside(schema)])) },
    });

    return async function ask(path: string, request: RequestInit = {}): Promise<Answer> {
        const response = await app.request(path, request);
        const text = await response.text();
        const contentType = (response.headers.get("content-type") ?? "").split(";")[0]!;
        const body = contentType.includes("json") ? JSON.parse(text) : text;
        const operation = { path: new URL(path, "http://localhost").pathname, method: request.method ?? "GET" };
        const schema = schemaOf(document, operation, response.status, contentType);
        if (schema === undefined) throw new Error(`${path}: ${response.status} ${contentType} is not documented`);
        const validate = ajv.compile(close(schema));
        if (!validate(body)) throw new Error(`${path}: ${ajv.errorsText(validate.errors)} in ${text.slice(0, 500)}`);
        return { status: response.status, headers: response.headers, body };
    };
}

/** Unknown routes and refused hosts are answered by no operation: they are problems all the same. */
function schemaOf(
    document: Document,
    { path, method }: { path: string; method: string },
    status: number,
    contentType: string,
): Schema | undefined {
    const template = Object.keys(document.paths)
        .sort((left, right) => Number(left.includes("{")) - Number(right.includes("{")))
        .find((candidate) => new RegExp(`^${candidate.replace(/\{\w+\}/g, "[^/]+")}$`).test(path));
    const operation = template === undefined ? undefined : document.paths[template]![method.toLowerCase()];
    const documented = operation?.responses[String(status)]?.content?.[contentType]?.schema;
    if (documented) return documented;
    const isGeneral = operation === undefined || [401, 403, 405, 429, 500].includes(status);
    return isGeneral && contentType === "application/problem+json"
        ? { $ref: "#/components/schemas/Problem" }
        : undefined;
}

function close(schema: unknown): Schema {
    const { $ref, ...rest } = schema as Schema;
    if (typeof $ref === "string") return { allOf: [{ $ref: `sluice${$ref}` }], unevaluatedProperties: false };
    const inner = closeInside(rest);
    const isObject = "properties" in inner || "allOf" in inner;
    return isObject && !("additionalProperties" in inner) ? { ...inner, unevaluatedProperties: false } : inner;
}

/** Closes what is inside a schema, but not itself. */
function closeInside(schema: unknown): Schema {
    if (typeof schema !== "object" || schema === null) return schema as unknown as Schema;
    const result: Schema = { ...schema };
    if (typeof result.$ref === "string") return { $ref: `sluice${result.$ref}` };
    for (const key of ["items", "additionalProperties"]) {
        if (typeof result[key] === "object") result[key] = close(result[key]);
    }
    for (const key of ["anyOf", "oneOf"]) {
        if (Array.isArray(result[key])) result[key] = result[key].map(close);
    }
    if (Array.isArray(result.allOf)) result.allOf = result.allOf.map(closeInside);
    const properties = result.properties as Record<string, unknown> | undefined;
    if (properties) {
        result.properties = Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, close(value)]));
    }
    return result;
}
