/** The AWS tools' shared files, ~/.aws/config and ~/.aws/credentials: https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Environment } from "../../environment.ts";
import { BucketFault } from "../faults.ts";

/** Settings by name, in lower case. */
export type Profile = Readonly<Record<string, string>>;

/**
 * The profile that AWS_PROFILE names, else `default`, from both files; of a setting in both, that in the credentials file.
 * It is read anew each time: credentials are changed there while a process runs.
 * @throws BucketFault bucket_no_credentials when AWS_PROFILE names one that is in neither
 */
export function readProfile(env: Environment): Profile {
    const named = env.AWS_PROFILE || env.AWS_DEFAULT_PROFILE;
    const name = named || "default";
    const folder = join(env.HOME || homedir(), ".aws");
    const configFile = env.AWS_CONFIG_FILE || join(folder, "config");
    const credentialsFile = env.AWS_SHARED_CREDENTIALS_FILE || join(folder, "credentials");
    const fromConfig = readSections(configFile).get(name === "default" ? "default" : `profile ${name}`);
    const fromCredentials = readSections(credentialsFile).get(name);
    if (named && !fromConfig && !fromCredentials) {
        throw new BucketFault({
            code: "bucket_no_credentials",
            what: `AWS_PROFILE is "${name}", and neither ${configFile} nor ${credentialsFile} has such a profile.`,
            remedy: "Correct AWS_PROFILE, or add the profile.",
        });
    }
    return { ...fromConfig, ...fromCredentials };
}

function readSections(path: string): Map<string, Record<string, string>> {
    return existsSync(path) ? parseSections(readFileSync(path, "utf8")) : new Map();
}

/** Indented lines belong to a setting of several, such as `s3 =`: none of those is looked at. */
export function parseSections(text: string): Map<string, Record<string, string>> {
    const sections = new Map<string, Record<string, string>>();
    let section: Record<string, string> = {};
    for (const line of text.split(/\r?\n/)) {
        const header = /^\[\s*(.+?)\s*\]/.exec(line);
        if (header) {
            const name = header[1]!.replace(/^profile\s+/, "profile ").replaceAll('"', "");
            section = sections.get(name) ?? {};
            sections.set(name, section);
            continue;
        }
        const setting = /^([A-Za-z_][\w.-]*)\s*=\s*(.*?)(?:\s+[#;].*)?\s*$/.exec(line);
        if (setting) section[setting[1]!.toLowerCase()] = setting[2]!;
    }
    return sections;
}
