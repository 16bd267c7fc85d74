/** Times of a named zone, by the tz database that the runtime's Temporal has. */

/** `2024-05-01T10:00:00` of the zone → the same in UTC, as `2024-05-01 08:00:00`; or why there is no one such moment. */
export type Zone = (local: string) => { utc: string } | { problem: string };

/**
 * `fold` decides which of two moments is meant when clocks are set back. Without it such a time is a problem, and a time
 * that is skipped when clocks are set forward always is. Null for a zone that does not exist.
 */
export function createZone(name: string, fold: "earlier" | "later" | null): Zone | null {
    if (!isZone(name)) return null;
    let knownMinute = "";
    let known: { behindMs: number } | { problem: string } = { behindMs: 0 };
    return (local) => {
        // To ask takes 5 µs, and records of one minute mostly follow on one another.
        const minute = local.slice(0, 16);
        if (minute !== knownMinute) {
            known = lookUp(Temporal.PlainDateTime.from(minute), name, fold);
            knownMinute = minute;
        }
        if ("problem" in known) return known;
        const iso = new Date(Date.parse(`${local}Z`) - known.behindMs).toISOString();
        return { utc: `${iso.slice(0, 10)} ${iso.slice(11, 19)}` };
    };
}

/** How far UTC is behind the zone at that minute. */
function lookUp(
    local: Temporal.PlainDateTime,
    zone: string,
    fold: "earlier" | "later" | null,
): { behindMs: number } | { problem: string } {
    const [earlier, later] = (["earlier", "later"] as const).map((disambiguation) =>
        local.toZonedDateTime(zone, { disambiguation }),
    ) as [Temporal.ZonedDateTime, Temporal.ZonedDateTime];
    if (!earlier.toPlainDateTime().equals(local)) return { problem: `skipped in ${zone}` };
    const isTwice = earlier.epochMilliseconds !== later.epochMilliseconds;
    if (isTwice && fold === null) return { problem: `twice in ${zone}` };
    return { behindMs: (fold === "later" ? later : earlier).offsetNanoseconds / 1e6 };
}

export function isZone(name: string): boolean {
    try {
        Temporal.Now.zonedDateTimeISO(name);
        return true;
    } catch {
        return false;
    }
}
