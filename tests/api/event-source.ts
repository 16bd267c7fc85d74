/** Reads server-sent events as a browser does, and remembers the last id as a browser does. */
import { waitUntil } from "../support/wait-until.ts";

export interface ReceivedEvent {
    event: string;
    id: string;
    // biome-ignore lint/suspicious/noExplicitAny: what a test expects of it, it says itself
    data: any;
}

export interface EventReader {
    /** The id of the last event that bore one. */
    lastEventId(): string;
    /** All events so far. */
    events: ReceivedEvent[];
    /** All batch ids so far, in the order of their arrival. */
    batchIds(): number[];
    /** Waits until the condition holds. Throws the last events when it does not. */
    until(condition: (reader: EventReader) => boolean): Promise<void>;
    close(): Promise<void>;
    /** How the stream ended, once it has. */
    end(): "closed" | "error" | undefined;
}

export function readEvents(response: Response): EventReader {
    const source = response.body!.getReader();
    const decoder = new TextDecoder();
    const events: ReceivedEvent[] = [];
    let lastEventId = "";
    let text = "";
    let end: "closed" | "error" | undefined;

    const receive = (block: string) => {
        const fields = new Map(block.split("\n").map((line) => line.split(/: ?(.*)/s, 2) as [string, string]));
        if (!fields.has("data")) return;
        lastEventId = fields.get("id") ?? lastEventId;
        events.push({ event: fields.get("event")!, id: lastEventId, data: JSON.parse(fields.get("data")!) });
    };
    const pump = async () => {
        for (;;) {
            const { done, value } = await source.read();
            if (done) return;
            const blocks = (text + decoder.decode(value, { stream: true })).split("\n\n");
            text = blocks.pop()!;
            blocks.forEach(receive);
        }
    };
    pump()
        .then(() => "closed" as const)
        .catch(() => "error" as const)
        .then((how) => {
            end = how;
        });

    const reader: EventReader = {
        lastEventId: () => lastEventId,
        events,
        batchIds: () =>
            events
                .filter(({ event }) => event === "batches")
                .flatMap(({ data }) => data.batches.map((batch: { batchId: number }) => batch.batchId)),
        async until(condition) {
            await waitUntil("the event arrives", () => condition(reader)).catch((error: Error) => {
                throw new Error(`${error.message} Last events: ${JSON.stringify(events.slice(-3)).slice(0, 500)}`);
            });
        },
        close: () => source.cancel(),
        end: () => end,
    };
    return reader;
}
