import { expect, test } from "bun:test";
import { useDatabase } from "../support/fixture.ts";
import { spawnScript } from "../support/run-script.ts";
import { startApi } from "../support/service.ts";

const database = useDatabase(import.meta.path);

test("serves until it is stopped: says where, answers, and ends with the signal's code", async () => {
    const child = spawnScript("api", ["--database-url", database.url, "--port", "0"]);
    const { value } = await child.stdout.getReader().read();
    const [, url] = /^The API is at (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(new TextDecoder().decode(value)) ?? [];
    const response = await fetch(`${url}/v1/status`);

    expect(await response.json()).toMatchObject({ state: "empty", events: 0 });
    child.kill("SIGTERM");
    expect(await child.exited).toBe(143);
});

test("answers by the names in --allowed-hosts, and by no other", async () => {
    const api = await startApi(database.url, { SLUICE_ALLOWED_HOSTS: "sluice, stats.example.org" });
    const statusBy = async (host: string) => (await fetch(`${api.url}/v1/status`, { headers: { host } })).status;

    expect([await statusBy("sluice:4040"), await statusBy("stats.example.org"), await statusBy("example.org")]).toEqual(
        [200, 200, 403],
    );
    await api.stop();
});
