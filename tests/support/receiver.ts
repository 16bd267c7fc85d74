/** A receiver of notifications: a real HTTP server that notes what it is sent, and answers as the test wants. */
import { expect } from "bun:test";
import { Webhook } from "standardwebhooks";
import { afterTest } from "./at-end.ts";

export interface Received {
    headers: Record<string, string>;
    /** The very bytes. */
    body: string;
    message: Record<string, unknown> & { type: string; id: string; summary: string; text: string };
    /** How it was answered. */
    status: number;
}

export const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

type Answer = (received: Omit<Received, "status">) => Response | Promise<Response>;

/** It is closed with the test. `port`: that of one that was closed before. */
export function openReceiver({ port = 0, answer = () => new Response("ok") }: { port?: number; answer?: Answer } = {}) {
    const received: Received[] = [];
    const state = { answer };
    const server = Bun.serve({
        hostname: "127.0.0.1",
        port,
        async fetch(request) {
            const body = await request.text();
            const got = { headers: Object.fromEntries(request.headers), body, message: JSON.parse(body) };
            const response = await state.answer(got);
            received.push({ ...got, status: response.status });
            return response;
        },
    });
    const close = () => server.stop(true);
    afterTest(close);
    return {
        url: `http://127.0.0.1:${server.port}/hooks/key-of-the-path`,
        port: server.port!,
        /** All requests, those that it refused too. */
        received,
        /** What it took, by type and state. */
        taken: () =>
            received
                .filter(({ status }) => status < 300)
                .map(({ message: { type, stream, from, to } }) => [type, stream, from, to].filter(Boolean).join(" ")),
        answerWith(next: Answer): void {
            state.answer = next;
        },
        close,
    };
}

/** By the library of standardwebhooks.com, which knows nothing of ours. */
export function expectSigned({ headers, body }: Pick<Received, "headers" | "body">, by: string = secret): void {
    expect(new Webhook(by).verify(body, headers)).toEqual(JSON.parse(body));
}
