/** Asks the API. A failure is returned as a Problem to show, never thrown. */
import type { Problem } from "../shapes.ts";

/** Status 0: the API could not be reached at all. */
export type Failure = { problem: Problem; status: number };
export type Answer<Body> = { body: Body } | Failure;

export async function fetchJson<Body>(path: string, init: RequestInit = {}): Promise<Answer<Body>> {
    let response: Response;
    try {
        response = await fetch(path, { headers: { accept: "application/json" }, ...init });
    } catch {
        return { status: 0, problem: unreachable };
    }
    const body = await response.json().catch(() => null);
    if (response.ok) return { body };
    const odd = { code: "odd_answer", title: `The API answered ${response.status}`, detail: "Retrying." };
    return { status: response.status, problem: body?.title ? body : odd };
}

export const unreachable: Problem = {
    code: "unreachable",
    title: "The API does not answer",
    detail: "The page retries every few seconds.",
};

export function sendJson<Body>(method: "POST" | "PATCH", path: string, body: object): Promise<Answer<Body>> {
    const headers = { accept: "application/json", "content-type": "application/json" };
    return fetchJson<Body>(path, { method, headers, body: JSON.stringify(body) });
}

export const postJson = <Body>(path: string, body: object) => sendJson<Body>("POST", path, body);
