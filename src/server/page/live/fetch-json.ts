/** One way to ask the API. What goes wrong comes as a Problem to show, never as an exception with a stack. */
import type { Problem } from "../shapes.ts";

export type Answer<Body> = { body: Body } | { problem: Problem; status: number };

/** Status 0 when the API could not be reached at all. */
export async function fetchJson<Body>(path: string, init: RequestInit = {}): Promise<Answer<Body>> {
    let response: Response;
    try {
        response = await fetch(path, { headers: { accept: "application/json" }, ...init });
    } catch {
        return { status: 0, problem: unreachable };
    }
    const body = await response.json().catch(() => null);
    if (response.ok) return { body: body as Body };
    return { status: response.status, problem: isProblem(body) ? body : oddAnswer(response.status) };
}

export const unreachable: Problem = {
    code: "unreachable",
    title: "The API does not answer",
    detail: "It is asked again every few seconds.",
};

function oddAnswer(status: number): Problem {
    return { code: "odd_answer", title: `The API answered ${status}`, detail: "It is asked again." };
}

function isProblem(body: unknown): body is Problem {
    return typeof body === "object" && body !== null && "code" in body && "detail" in body && "title" in body;
}
