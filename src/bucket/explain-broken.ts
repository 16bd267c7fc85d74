/** From a request that got no whole answer to what is wrong and what to do (pure). */
import { BucketFault } from "./faults.ts";

/** No byte came for so long: the request was ended. */
export class Stalled extends Error {
    override readonly name = "Stalled";
}

/** The answer ended before it was whole. */
export class CutShort extends Error {
    override readonly name = "CutShort";
}

const tls = /CERT|TLS|SSL|SELF_SIGNED|ERR_TLS/;
const noWay = /ConnectionRefused|ECONNREFUSED|FailedToOpenSocket|ENOTFOUND|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|DNS/i;

export function explainBroken(error: unknown, host: string): BucketFault {
    const code = String((error as { code?: unknown }).code ?? "");
    if (error instanceof Stalled) {
        return new BucketFault({
            code: "bucket_stalled",
            what: `${host} was silent in the middle of an answer.`,
            remedy: "Sluice tries again by itself. If it lasts, check the network.",
            isTransient: true,
        });
    }
    if (tls.test(code)) {
        return new BucketFault({
            code: "bucket_tls",
            what: `The certificate of ${host} is not trusted: ${code}.`,
            remedy: "Give its authority in NODE_EXTRA_CA_CERTS, or check the endpoint.",
        });
    }
    if (noWay.test(code)) {
        return new BucketFault({
            code: "bucket_unreachable",
            what: `${host} cannot be reached: ${code}.`,
            remedy: "Sluice tries again by itself. Check the endpoint and the network.",
            isTransient: true,
        });
    }
    return new BucketFault({
        code: "bucket_cut",
        what: `The connection to ${host} broke${code ? `: ${code}` : ""}.`,
        remedy: "Sluice tries again by itself. If it lasts, check the network.",
        isTransient: true,
    });
}
