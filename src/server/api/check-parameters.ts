/** Turns what zod says of a request into a problem that names the parameter. */
import type { z } from "@hono/zod-openapi";
import { Problem } from "./problem.ts";

interface Checked {
    target: string;
    success: boolean;
    error?: z.ZodError;
}

/** The `defaultHook` of the app. @throws Problem */
export function refuseInvalidParameters(result: Checked): void {
    if (result.success || !result.error) return;
    const [issue] = result.error.issues;
    if (!issue) return;
    if (issue.code === "unrecognized_keys") throw unknownParameter(String(issue.keys[0]));
    const parameter = issue.path.map(String).join(".");
    const sentence = issue.message.endsWith("?") ? issue.message : `${issue.message}.`;
    throw new Problem({
        code: result.target === "json" ? "invalid_body" : "invalid_parameter",
        detail: parameter === "" ? sentence : `\`${parameter}\`: ${sentence}`,
        ...(parameter === "" ? {} : { parameter }),
    });
}

/** The name is cut: it is the caller's text. */
function unknownParameter(name: string): Problem {
    const parameter = name.slice(0, 100);
    return new Problem({
        code: "unknown_parameter",
        detail: "It is refused rather than ignored, since the answer would not be the one asked for. See /openapi.json.",
        parameter,
    });
}
