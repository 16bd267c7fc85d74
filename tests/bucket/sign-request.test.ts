/** The examples that Amazon publishes: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
import { expect, test } from "bun:test";
import { encodePart, signRequest } from "../../src/bucket/sign-request.ts";

const context = {
    credentials: {
        accessKeyId: "AKIAIOSFODNN7EXAMPLE",
        secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        expiresAt: null,
    },
    region: "us-east-1",
    at: new Date("2013-05-24T00:00:00Z"),
};
const request = { method: "GET", host: "examplebucket.s3.amazonaws.com", path: "/", headers: {}, body: "" };

test.each([
    [{ lifecycle: "" }, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"],
    [{ prefix: "J", "max-keys": "2" }, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"],
])("a request with the query %j has the signature that Amazon gives for it", (query, signature) => {
    expect(signRequest({ ...request, query }, context).authorization).toBe(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, " +
            `SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=${signature}`,
    );
});

test("a session token is sent, and signed", () => {
    const credentials = { ...context.credentials, sessionToken: "token" };
    const signed = signRequest({ ...request, query: {} }, { ...context, credentials });

    expect(signed["x-amz-security-token"]).toBe("token");
    expect(signed.authorization).toContain("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,");
});

test("all but letters, digits and four signs is encoded", () => {
    expect(encodePart("aZ09-._~ !'()*+/ü")).toBe("aZ09-._~%20%21%27%28%29%2A%2B%2F%C3%BC");
});
