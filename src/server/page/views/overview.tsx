/** The verdict, the equation, the flow and the latest batches: of all streams, or of one. */
import { LatestBatches } from "../batches/batches.tsx";
import { FlowCharts } from "../charts/flow-charts.tsx";
import { ChecksLine } from "../checks/checks.tsx";
import { isStale, status } from "../live/connection.ts";
import { hasSeveral, scope, shownStatus, showsBuiltIn } from "../live/scope.ts";
import type { Verdict } from "../now/describe-verdict.ts";
import { Now } from "../now/now.tsx";
import type { StreamView } from "../stream-view.ts";
import { Streams } from "../streams/streams.tsx";
import { Workers } from "../workers/workers.tsx";

export function Overview({ verdict, stream }: { verdict: Verdict; stream: StreamView }) {
    const isBuiltIn = showsBuiltIn.value;
    return (
        <>
            <Now verdict={verdict} />
            {status.value && (
                <div class={isStale.value ? "old" : undefined}>
                    {hasSeveral.value && scope.value === null && <Streams />}
                    {shownStatus.value && <FlowCharts Chart={isBuiltIn ? stream.Chart : null} />}
                    {isBuiltIn && <stream.Panel />}
                    <LatestBatches />
                    <Workers />
                    <ChecksLine />
                </div>
            )}
        </>
    );
}
