/** Where credentials are looked for, in the order of the AWS command line. */
import type { Environment } from "../../environment.ts";
import { BucketFault } from "../faults.ts";
import type { Credentials } from "../sign-request.ts";
import { askContainer, askInstance } from "./ask-endpoint.ts";
import { runCredentialProcess } from "./run-credential-process.ts";
import { type Profile, readProfile } from "./shared-files.ts";

/** @throws BucketFault bucket_no_credentials */
export async function findCredentials(env: Environment, signal?: AbortSignal): Promise<Credentials> {
    const profile = readProfile(env);
    const found =
        fromEnvironment(env) ??
        fromProfile(profile) ??
        (profile.credential_process ? await runCredentialProcess(profile.credential_process, env, { signal }) : null);
    if (found !== null) return found;
    refuseOtherWays(profile);
    const given = (await askContainer(env, signal)) ?? (await askInstance(env, signal));
    if (given !== null) return given;
    throw new BucketFault({
        code: "bucket_no_credentials",
        what: "There are no credentials for the bucket.",
        remedy:
            "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or attach a role to the machine " +
            "(docs/sources.md has each).",
    });
}

function fromEnvironment(env: Environment): Credentials | null {
    return makeCredentials(env.AWS_ACCESS_KEY_ID, env.AWS_SECRET_ACCESS_KEY, env.AWS_SESSION_TOKEN);
}

function fromProfile(profile: Profile): Credentials | null {
    return makeCredentials(profile.aws_access_key_id, profile.aws_secret_access_key, profile.aws_session_token);
}

function makeCredentials(id?: string, secret?: string, sessionToken?: string): Credentials | null {
    if (!id || !secret) return null;
    return { accessKeyId: id, secretAccessKey: secret, ...(sessionToken && { sessionToken }), expiresAt: null };
}

/** What the AWS command line can do with a profile and Sluice leaves to it. */
function refuseOtherWays(profile: Profile): void {
    const way = ["sso_session", "sso_start_url", "role_arn", "web_identity_token_file"].find((name) => profile[name]);
    if (way === undefined) return;
    throw new BucketFault({
        code: "bucket_no_credentials",
        what: `The profile has ${way}, which Sluice does not read itself.`,
        remedy:
            "Make a profile whose credential_process is " +
            "`aws configure export-credentials --profile NAME --format process`, and name that one in AWS_PROFILE.",
    });
}
