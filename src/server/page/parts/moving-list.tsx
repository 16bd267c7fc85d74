/** A list of the API that grows while it is looked at: it can be held still, and its older pages have addresses. */
import { useEffect, useState } from "preact/hooks";
import { formatNumber } from "../../../terminal/format.ts";
import { type Pace, useResource } from "../live/use-resource.ts";
import type { Page } from "../shapes.ts";
import { address, hrefWith, queryOf } from "../views/location.ts";

/**
 * `total`: how many there are now, which tells how many came while the list was held. While it is held nothing is asked for.
 * Another filter or page lets it go.
 */
export function useMovingList<Row>(path: string, total: number, pace: Pace) {
    const [heldAt, setHeldAt] = useState<number | null>(null);
    const cursor = queryOf("cursor");
    const page =
        cursor === null ? path : `${path}${path.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(cursor)}`;
    const known = useResource<Page<Row>>(heldAt === null ? page : null, { ...pace, keepsOld: true });
    useEffect(() => setHeldAt(null), [address.value.href]);
    const hold = (
        <Hold
            added={heldAt === null ? null : Math.max(0, total - heldAt)}
            onHold={() => setHeldAt(total)}
            onResume={() => setHeldAt(null)}
        />
    );
    return {
        ...known,
        rows: known.data?.data ?? [],
        hold: cursor === null && hold,
        pages: <Pages isOlder={cursor !== null} next={known.data?.nextCursor ?? null} />,
    };
}

interface HoldProps {
    /** Null while the list moves. */
    added: number | null;
    onHold: () => void;
    onResume: () => void;
}

function Hold({ added, onHold, onResume }: HoldProps) {
    if (added === null) {
        return (
            <button type="button" class="button" onClick={onHold}>
                Pause<span class="unseen"> this list</span>
            </button>
        );
    }
    return (
        <span class="held">
            <span role="status">Paused · {formatNumber(added)} new</span>
            <button type="button" class="button" onClick={onResume}>
                Resume<span class="unseen"> this list</span>
            </button>
        </span>
    );
}

function Pages({ isOlder, next }: { isOlder: boolean; next: string | null }) {
    if (!isOlder && next === null) return null;
    return (
        <nav class="pages" aria-label="Pages of the list">
            {isOlder && <a href={hrefWith({ cursor: null })}>Newest</a>}
            {next !== null && <a href={hrefWith({ cursor: next })}>Older</a>}
        </nav>
    );
}
