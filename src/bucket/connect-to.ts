import { readEnvironment } from "../environment.ts";
import { type Connection, type Limits, usualLimits } from "./connection.ts";
import { findCredentials } from "./credentials/find-credentials.ts";
import { keepCredentials } from "./credentials/keep-credentials.ts";
import { type BucketSettings, placeOf } from "./settings.ts";

/** Asks nobody anything yet. @throws BucketFault bucket_settings, bucket_no_credentials */
export function connectTo(settings: BucketSettings, limits: Partial<Limits> = {}): Connection {
    const { env = readEnvironment(), signal } = settings;
    return {
        place: placeOf(settings, env),
        credentials: keepCredentials(() => findCredentials(env, signal)),
        limits: { ...usualLimits, ...limits },
        clock: { aheadMs: 0, seenAheadMs: null },
        signal,
    };
}
