import { scope, showsBuiltIn } from "../live/scope.ts";
import type { StreamView } from "../stream-view.ts";
import type { TraceKey } from "../trace/parse-query.ts";

/** By what a record of the stream that is shown can be searched for. */
export function recordKeyOf(stream: StreamView): TraceKey {
    if (showsBuiltIn.value) return stream.key;
    return scope.value === null ? null : "any";
}
