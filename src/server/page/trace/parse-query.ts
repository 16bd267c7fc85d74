/** What somebody types to find a record: an event id, or `file:record`. Pure. */

export type TraceQuery = { path: string } | { fault: string };

const eventId = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

export function parseTraceQuery(text: string): TraceQuery {
    const query = text.trim();
    if (eventId.test(query)) return { path: `/v1/trace?event_id=${query.toLowerCase()}` };
    // The last colon: a file's name may hold others.
    const [, file, record] = /^(.+):(\d{1,15})$/s.exec(query) ?? [];
    if (file !== undefined && Number(record) > 0) {
        return { path: `/v1/trace?file=${encodeURIComponent(file.trim())}&record=${Number(record)}` };
    }
    return {
        fault: "Give an event id such as 123e4567-e89b-12d3-a456-426614174000, or a file and a record: events.csv:12.",
    };
}
