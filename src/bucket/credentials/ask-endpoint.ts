/** Credentials that a machine of Amazon's gives to what runs on it: a container's (ECS, EKS) or an instance's (EC2, IMDSv2). */
import { readFileSync } from "node:fs";
import type { Environment } from "../../environment.ts";
import { BucketFault } from "../faults.ts";
import type { Credentials } from "../sign-request.ts";
import { parseCredentials } from "./parse-credentials.ts";

/** Elsewhere than on such a machine nothing listens there, and nothing says so. */
const timeoutMs = 1_000;

/** Null: the environment names none. https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html */
export async function askContainer(env: Environment, signal?: AbortSignal): Promise<Credentials | null> {
    const relative = env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI;
    const address = relative ? `http://169.254.170.2${relative}` : env.AWS_CONTAINER_CREDENTIALS_FULL_URI;
    if (!address) return null;
    const file = env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
    const token = file ? readFileSync(file, "utf8").trim() : env.AWS_CONTAINER_AUTHORIZATION_TOKEN;
    const credentials = parseCredentials(
        await ask("container", address, { headers: token ? { authorization: token } : {} }, signal),
    );
    if (credentials === null) throw fault("The container's endpoint for credentials gave none.");
    return credentials;
}

/** Null: nothing answers, or no role is attached. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html */
export async function askInstance(env: Environment, signal?: AbortSignal): Promise<Credentials | null> {
    if (env.AWS_EC2_METADATA_DISABLED === "true") return null;
    const base = (env.AWS_EC2_METADATA_SERVICE_ENDPOINT || "http://169.254.169.254").replace(/\/$/, "");
    const roles = `${base}/latest/meta-data/iam/security-credentials/`;
    try {
        const token = await ask(
            "instance",
            `${base}/latest/api/token`,
            { method: "PUT", headers: { "x-aws-ec2-metadata-token-ttl-seconds": "21600" } },
            signal,
        );
        const headers = { "x-aws-ec2-metadata-token": token };
        const role = (await ask("instance", roles, { headers }, signal)).split("\n")[0]!;
        return parseCredentials(await ask("instance", roles + role, { headers }, signal));
    } catch {
        signal?.throwIfAborted();
        return null;
    }
}

async function ask(whose: string, address: string, init: RequestInit, signal?: AbortSignal): Promise<string> {
    const ends = [AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])];
    const response = await fetch(address, { ...init, signal: AbortSignal.any(ends) }).catch(() => {
        signal?.throwIfAborted();
        throw fault(`The ${whose}'s endpoint for credentials does not answer.`);
    });
    const text = await response.text();
    if (!response.ok) throw fault(`The ${whose}'s endpoint for credentials answered ${response.status}.`);
    return text;
}

function fault(what: string): BucketFault {
    return new BucketFault({
        code: "bucket_no_credentials",
        what,
        remedy: "Check the role of the task or pod.",
        isTransient: true,
    });
}
