import type { Credentials } from "../sign-request.ts";

/** Credentials as credential_process, the container's and the instance's endpoints give them, in JSON; null if it is none. */
export function parseCredentials(text: string): Credentials | null {
    const given = parseObject(text);
    const { AccessKeyId, SecretAccessKey, SessionToken, Token, Expiration } = given;
    if (typeof AccessKeyId !== "string" || typeof SecretAccessKey !== "string") return null;
    const sessionToken = SessionToken ?? Token;
    const expiresAt = typeof Expiration === "string" ? new Date(Expiration) : null;
    return {
        accessKeyId: AccessKeyId,
        secretAccessKey: SecretAccessKey,
        ...(typeof sessionToken === "string" && sessionToken !== "" && { sessionToken }),
        expiresAt: expiresAt !== null && Number.isNaN(expiresAt.getTime()) ? null : expiresAt,
    };
}

function parseObject(text: string): Record<string, unknown> {
    try {
        const value: unknown = JSON.parse(text);
        return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
    } catch {
        return {};
    }
}
