/** Where requests go, and by which credentials: the environment, the shared files, a command, a container, an instance. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseBucketUrl } from "../../src/bucket/bucket-url.ts";
import { findCredentials } from "../../src/bucket/credentials/find-credentials.ts";
import { keepCredentials } from "../../src/bucket/credentials/keep-credentials.ts";
import { BucketFault } from "../../src/bucket/faults.ts";
import { pathOf, placeOf } from "../../src/bucket/settings.ts";
import { failureOf, refusalOf } from "../support/failure-of.ts";
import { noOtherCredentials } from "../support/object-store.ts";

const home = mkdtempSync(join(tmpdir(), "sluice-home-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** A home with these two files, and nothing else of this machine. */
function homeWith(config: string, credentials = "") {
    const folder = mkdtempSync(join(home, "user-"));
    mkdirSync(join(folder, ".aws"));
    writeFileSync(join(folder, ".aws", "config"), config);
    writeFileSync(join(folder, ".aws", "credentials"), credentials);
    return { ...noOtherCredentials, HOME: folder, PATH: process.env.PATH };
}

describe("an address", () => {
    test("has a bucket and a pattern; any other text is none", () => {
        expect(parseBucketUrl("s3://drops/in/**/*.csv.gz")).toEqual({ bucket: "drops", pattern: "in/**/*.csv.gz" });
        expect(parseBucketUrl("data/s3/*.csv")).toBeNull();
    });

    test.each(["s3://drops", "s3://drops/", "s3://drops/in/", "s3:///a.csv", "s3://a b/c.csv"])(
        "should fail: %s",
        (text) => {
            expect(() => parseBucketUrl(text)).toThrow(BucketFault);
        },
    );

    test("should fail: a password in it, which is not repeated", async () => {
        const { code, message } = await refusalOf(() => parseBucketUrl("s3://key:hush@drops/a.csv"));
        expect(code).toBe("bucket_settings");
        expect(message).not.toContain("hush");
    });
});

describe("a place", () => {
    const bucket = "drops";
    const env = noOtherCredentials;

    test("is Amazon's by the bucket's name and region, unless a dot in the name would break its certificate", () => {
        const place = placeOf({ bucket }, { ...env, AWS_REGION: "eu-central-1" });
        expect(place).toMatchObject({ origin: "https://drops.s3.eu-central-1.amazonaws.com", root: "/" });
        const dotted = placeOf({ bucket: "a.b", region: "cn-north-1" }, env);
        expect(dotted).toMatchObject({ origin: "https://s3.cn-north-1.amazonaws.com.cn", root: "/a.b/" });
    });

    test("is an endpoint's, with the bucket in the path unless that is said to be otherwise", () => {
        const there = { ...env, AWS_ENDPOINT_URL: "https://no.test", AWS_ENDPOINT_URL_S3: "http://127.0.0.1:9000/s3/" };
        expect(placeOf({ bucket }, there)).toMatchObject({
            host: "127.0.0.1:9000",
            root: "/s3/drops/",
            region: "us-east-1",
        });
        const byName = placeOf({ bucket, endpoint: "https://s3.test" }, { ...there, SLUICE_S3_PATH_STYLE: "false" });
        expect(byName).toMatchObject({ origin: "https://drops.s3.test", root: "/" });
    });

    test("takes region and endpoint from the profile", () => {
        const profile = homeWith(
            "[default]\nregion = eu-west-3\n[profile shop]\nregion = auto # R2\nendpoint_url=https://r2.test\n",
        );
        expect(placeOf({ bucket }, profile).region).toBe("eu-west-3");
        expect(placeOf({ bucket }, { ...profile, AWS_PROFILE: "shop" })).toMatchObject({
            region: "auto",
            host: "r2.test",
        });
    });

    test("should fail: an endpoint with a password, which is not repeated", async () => {
        const { message } = await refusalOf(() => placeOf({ bucket, endpoint: "https://key:hush@s3.test" }, env));
        expect(message).toContain("s3.test");
        expect(message).not.toContain("hush");
    });

    test("should fail: a key that no address can carry", async () => {
        const { code } = await refusalOf(() => pathOf(placeOf({ bucket }, env), "a/../b.csv"));
        expect(code).toBe("bucket_key_unsupported");
    });
});

describe("credentials", () => {
    const keys = { accessKeyId: "ID", secretAccessKey: "SECRET", expiresAt: null };

    test("are the environment's before the profile's", async () => {
        const env = homeWith("", "[default]\naws_access_key_id=OTHER\naws_secret_access_key=OTHER\n");
        const given = { ...env, AWS_ACCESS_KEY_ID: "ID", AWS_SECRET_ACCESS_KEY: "SECRET", AWS_SESSION_TOKEN: "TOKEN" };
        expect(await findCredentials(given)).toEqual({ ...keys, sessionToken: "TOKEN" });
    });

    test("are the profile's, of either file, the credentials file first", async () => {
        const config = "[profile shop]\naws_access_key_id = OLD\naws_secret_access_key = SECRET\ns3 =\n  x = y\n";
        const env = homeWith(config, "[shop]\naws_access_key_id = ID\n");
        expect(await findCredentials({ ...env, AWS_PROFILE: "shop" })).toEqual(keys);
    });

    test("are what credential_process prints", async () => {
        const printed = {
            Version: 1,
            AccessKeyId: "ID",
            SecretAccessKey: "SECRET",
            Expiration: "2030-01-01T00:00:00Z",
        };
        const env = homeWith(`[default]\ncredential_process = echo '${JSON.stringify(printed)}'\n`);
        expect(await findCredentials(env)).toEqual({ ...keys, expiresAt: new Date("2030-01-01T00:00:00Z") });
    });

    test("should fail: a credential_process that fails, of which nothing is repeated", async () => {
        const { code, message } = await refusalOf(
            findCredentials(homeWith("[default]\ncredential_process = echo hush; echo hush >&2; exit 3\n")),
        );
        expect(code).toBe("bucket_no_credentials");
        expect(message).toContain("exit code 3");
        expect(message).not.toContain("hush");
    });

    test.each(["sso_session = x", "role_arn = arn:aws:iam::1:role/x"])(
        "should fail: a profile that says %s, with the way that works",
        async (line) => {
            const { remedy } = await refusalOf(findCredentials(homeWith(`[default]\n${line}\n`)));
            expect(remedy).toContain("credential_process");
        },
    );

    test("should fail: a profile that is in neither file", async () => {
        const { what } = await refusalOf(findCredentials({ ...homeWith(""), AWS_PROFILE: "nobody" }));
        expect(what).toContain('AWS_PROFILE is "nobody"');
    });

    test("are a container's or an instance's, by their tokens", async () => {
        const answer = {
            AccessKeyId: "ID",
            SecretAccessKey: "SECRET",
            Token: "TOKEN",
            Expiration: "2030-01-01T00:00:00Z",
        };
        using machine = Bun.serve({
            port: 0,
            hostname: "127.0.0.1",
            fetch(request) {
                const { pathname } = new URL(request.url);
                if (pathname === "/pod") {
                    return request.headers.get("authorization") === "for the pod"
                        ? Response.json(answer)
                        : new Response("", { status: 401 });
                }
                if (request.method === "PUT" && pathname === "/latest/api/token") return new Response("session");
                if (request.headers.get("x-aws-ec2-metadata-token") !== "session")
                    return new Response("", { status: 401 });
                return pathname.endsWith("/role-of-machine") ? Response.json(answer) : new Response("role-of-machine");
            },
        });
        const found = { ...keys, sessionToken: "TOKEN", expiresAt: new Date("2030-01-01T00:00:00Z") };
        const base = `http://127.0.0.1:${machine.port}`;
        const pod = {
            AWS_CONTAINER_CREDENTIALS_FULL_URI: `${base}/pod`,
            AWS_CONTAINER_AUTHORIZATION_TOKEN: "for the pod",
        };
        expect(await findCredentials({ ...noOtherCredentials, ...pod })).toEqual(found);
        expect(await findCredentials({ HOME: "/nowhere", AWS_EC2_METADATA_SERVICE_ENDPOINT: base })).toEqual(found);
    });

    test("are renewed five minutes before they expire; a search that fails leaves those that are good still", async () => {
        let now = Date.parse("2026-01-01T00:00:00Z");
        let searches = 0;
        let isLoggedIn = true;
        const find = async () => {
            searches += 1;
            if (!isLoggedIn) throw new Error("logged out");
            return { ...keys, accessKeyId: `ID${searches}`, expiresAt: new Date(now + 3_600_000) };
        };
        const kept = keepCredentials(find, () => now);
        const idAt = async (minutes: number) => {
            now = Date.parse("2026-01-01T00:00:00Z") + minutes * 60_000;
            return (await kept.current()).accessKeyId;
        };
        expect(await Promise.all([idAt(0), idAt(0)])).toEqual(["ID1", "ID1"]);
        expect(await idAt(54)).toBe("ID1");
        expect(await idAt(56)).toBe("ID2");
        isLoggedIn = false;
        expect(await idAt(112)).toBe("ID2");
        expect(await failureOf(idAt(117))).toEqual(new Error("logged out"));
    });
});
