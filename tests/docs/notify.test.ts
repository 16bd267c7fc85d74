/** The snippets of docs/operations.md that verify a message and pass it on to PagerDuty do so. */
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { composeTestMessage } from "../../src/operations/notify/compose-message.ts";
import { sendMessage } from "../../src/operations/notify/send-message.ts";
import { signMessage } from "../../src/operations/notify/sign-message.ts";
import { afterTest } from "../support/at-end.ts";
import { makeFolder } from "../support/fixture.ts";
import { openReceiver, secret } from "../support/receiver.ts";
import { projectDir } from "../support/test-server.ts";
import { waitUntil } from "../support/wait-until.ts";

const folder = makeFolder();
const page = readFileSync(join(projectDir, "docs/operations.md"), "utf8");

function writeSnippet(name: string): string {
    const [, code] = new RegExp(`^\`\`\`ts\n(// ${name}\n[^]*?)^\`\`\`$`, "m").exec(page) ?? [];
    const path = join(folder, name);
    writeFileSync(path, code!.replace("port: 8099", "port: 0"));
    return path;
}

test("the snippet without a library accepts what Sluice signs, and nothing else", async () => {
    const { isFromSluice } = await import(writeSnippet("verify.ts"));
    const message = composeTestMessage();
    const now = new Date();
    const verify = (headers: Record<string, string>, body = message.body, by = secret) =>
        isFromSluice(new Headers(headers), body, by);
    const headers = signMessage(message, secret, now);

    expect(verify(headers)).toBe(true);
    expect(verify(headers, `${message.body} `)).toBe(false);
    expect(verify(headers, message.body, "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")).toBe(false);
    expect(verify(signMessage(message, secret, new Date(now.getTime() - 400_000)))).toBe(false);
    expect(verify(signMessage(message, null, now))).toBe(false);
});

test("the relay makes one incident of the problems of a stream, and resolves it", async () => {
    writeSnippet("verify.ts");
    const pagerDuty = openReceiver({ answer: () => new Response(null, { status: 202 }) });
    const relay = Bun.spawn([process.execPath, writeSnippet("relay.ts")], {
        env: {
            ...process.env,
            SLUICE_NOTIFY_SECRET: secret,
            PAGERDUTY_ROUTING_KEY: "key",
            PAGERDUTY_URL: pagerDuty.url,
        },
        stdout: "pipe",
        stderr: "pipe",
    });
    afterTest(() => relay.kill());
    let said = "";
    void (async () => {
        for await (const piece of relay.stdout) said += new TextDecoder().decode(piece);
    })();
    const webhook = await waitUntil("it listens", () => /http:\/\/localhost:\d+/.exec(said)?.[0] ?? null);
    const send = (facts: object, by: string | null = secret) => {
        const body = JSON.stringify({ ...JSON.parse(composeTestMessage().body), ...facts });
        return sendMessage({ id: "msg_1", body }, { webhook, secret: by });
    };
    const problem = {
        type: "stream.problem",
        database: "shop",
        stream: "orders",
        tone: "bad",
        url: "https://sluice/x",
    };

    expect((await send(problem)).failure).toBeNull();
    expect((await send({ ...problem, type: "stream.recovered", tone: "good" })).failure).toBeNull();
    expect((await send({ type: "test" })).failure).toBeNull();
    expect((await send(problem, null)).failure).toBe("HTTP 401");
    expect(pagerDuty.received.map(({ body }) => JSON.parse(body))).toMatchObject([
        {
            routing_key: "key",
            event_action: "trigger",
            dedup_key: "sluice/shop/orders",
            payload: { source: "shop", severity: "critical" },
            links: [{ href: "https://sluice/x" }],
        },
        { event_action: "resolve", dedup_key: "sluice/shop/orders" },
    ]);
    pagerDuty.answerWith(() => new Response(null, { status: 500 }));
    expect((await send(problem)).failure).toBe("HTTP 502");
});
