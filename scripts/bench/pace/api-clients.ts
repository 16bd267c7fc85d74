/** A worker thread: clients of the API, each with one request a second, in turns on the paths. */
declare const self: Worker;

export interface ClientsOrder {
    url: string;
    paths: string[];
    clients: number;
    seconds: number;
}

export interface Answer {
    path: string;
    ms: number;
    status: number;
}

self.onmessage = async ({ data }: MessageEvent<ClientsOrder>) => {
    const { url, paths, clients, seconds } = data;
    const answers: Answer[] = [];
    const endAt = performance.now() + seconds * 1000;
    await Promise.all(
        Array.from({ length: clients }, async (_, client) => {
            // Spread over the second, as clients are.
            let dueAt = performance.now() + (client * 1000) / clients;
            for (let turn = client; dueAt < endAt; turn += 1, dueAt += 1000) {
                await Bun.sleep(Math.max(0, dueAt - performance.now()));
                const path = paths[turn % paths.length]!;
                const askedAt = performance.now();
                const answer = await fetch(`${url}${path}`);
                await answer.arrayBuffer();
                answers.push({ path, ms: performance.now() - askedAt, status: answer.status });
            }
        }),
    );
    self.postMessage(answers);
};
